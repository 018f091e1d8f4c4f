//! Remembers the epoch of the last leadership on a port, so that the next one is greater even if the clock
//! steps back. Only the owner of the port writes it: the port is the lock. A file that cannot be used is
//! worth a warning and nothing more, as the clock alone almost always suffices.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// As many as the largest epoch has.
const DIGITS: usize = 20;

/// `<port>.epoch` in a directory that belongs to this user alone.
#[derive(Debug)]
pub(crate) struct EpochFile {
    path: PathBuf,
}

impl EpochFile {
    /// The file of a port, in the first directory that there is of `$XDG_RUNTIME_DIR/cluster-client`,
    /// `$HOME/.local/state/cluster-client` and one for this user among the temporary files.
    pub(crate) fn of_port(port: u16) -> Self {
        let directory = directory(|name| std::env::var_os(name));
        Self { path: directory.join(format!("{port}.epoch")) }
    }

    /// The stored epoch, if there is one that can be read.
    pub(crate) fn load(&self) -> Option<u64> {
        match read(&self.path) {
            Ok(epoch) => Some(epoch),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "cannot read the stored epoch; going by the clock");
                None
            }
        }
    }

    /// Stores an epoch in place of the one before.
    pub(crate) fn store(&self, epoch: u64) {
        if let Err(error) = write(&self.path, epoch) {
            let path = self.path.display();
            tracing::warn!(%path, %error, "cannot store the epoch; the next leader goes by the clock");
        }
    }
}

fn directory(env: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(runtime) = absolute("XDG_RUNTIME_DIR") {
        runtime.join("cluster-client")
    } else if let Some(home) = absolute("HOME") {
        home.join(".local/state/cluster-client")
    } else {
        let user = user_id().map_or_else(String::new, |id| format!("-{id}"));
        std::env::temp_dir().join(format!("cluster-client{user}"))
    }
}

fn read(path: &Path) -> io::Result<u64> {
    check_owner(path)?;
    let text = fs::read_to_string(path)?;
    text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn write(path: &Path, epoch: u64) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    check_owner(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // In place, and as long each time: a new file that is renamed has a file system allocate and flush, now and then for
    // a quarter of a second, and that while nobody leads. A process that is killed leaves the old bytes or the new ones; an
    // empty file, if it was the first to write one, is as good as none.
    let line = format!("{epoch:0DIGITS$}\n");
    file.write_all(line.as_bytes())?;
    if file.metadata()?.len() != line.len() as u64 {
        file.set_len(line.len() as u64)?;
    }
    Ok(())
}

/// An error if the directory of the file is not this user's alone to write to: among the temporary files
/// anybody could have made it.
#[cfg(unix)]
fn check_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let found = fs::symlink_metadata(directory)?;
    let foreign = user_id().is_some_and(|user| user != found.uid());
    if !found.is_dir() || foreign || found.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the directory is a link, another user's, or others may write to it",
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The user of this process, where the system shows it as the owner of a file.
#[cfg(unix)]
fn user_id() -> Option<u32> {
    let process = fs::metadata("/proc/self").ok()?;
    Some(std::os::unix::fs::MetadataExt::uid(&process))
}

#[cfg(not(unix))]
fn user_id() -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstanceId;

    /// A directory that is removed with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("epoch-{}", InstanceId::random()));
            Self(path)
        }

        fn file(&self) -> EpochFile {
            EpochFile { path: self.0.join("state/7777.epoch") }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_stored_last_is_loaded() {
        let scratch = Scratch::new();
        let file = scratch.file();
        assert_eq!(file.load(), None);
        file.store(41);
        file.store(u64::MAX);
        assert_eq!(file.load(), Some(u64::MAX));
        file.store(7);
        assert_eq!(file.load(), Some(7));

        let left: Vec<_> = fs::read_dir(scratch.0.join("state")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_damaged_file_is_no_epoch_and_is_replaced() {
        let scratch = Scratch::new();
        let file = scratch.file();
        file.store(1);
        for damaged in ["forty-one", "", "what is longer than any epoch can ever be"] {
            fs::write(&file.path, damaged).unwrap();
            assert_eq!(file.load(), None);
            file.store(2);
            assert_eq!(file.load(), Some(2));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::PermissionsExt;

        let scratch = Scratch::new();
        let file = scratch.file();
        let directory = scratch.0.join("state");
        fs::create_dir_all(&directory).unwrap();
        file.store(1);
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        file.store(2);
        assert_eq!(file.load(), None);

        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(file.load(), Some(1));
    }

    #[test]
    fn the_directory_is_the_users() {
        let with = |set: &'static [(&str, &str)]| {
            directory(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
            })
        };
        assert_eq!(
            with(&[("XDG_RUNTIME_DIR", "/run/user/1"), ("HOME", "/home/a")]),
            Path::new("/run/user/1/cluster-client")
        );
        assert_eq!(
            with(&[("XDG_RUNTIME_DIR", ""), ("HOME", "/home/a")]),
            Path::new("/home/a/.local/state/cluster-client")
        );
        assert!(with(&[]).starts_with(std::env::temp_dir()));
    }
}
