//! Node, and the npm package.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_interop");
const OLDEST: u32 = 18;

/// Makes sure that Node is there, and the packages that `package-lock.json` names. Says so if it has to install them.
pub async fn prepare() -> Result<()> {
    let version = output("node", &["--version"]).await?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok());
    ensure!(
        major.is_some_and(|major: u32| major >= OLDEST),
        "node is {version}, and has to be {OLDEST} or later"
    );
    if !Path::new(FOLDER).join("node_modules/cluster-client/package.json").exists() {
        println!("npm ci in {FOLDER}, as node_modules is missing: once, some seconds");
        output("npm", &["ci", "--no-audit", "--no-fund"]).await?;
    }
    Ok(())
}

/// A member that is a Node process.
pub fn member(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("node");
    command.arg("member.js").args(arguments).current_dir(FOLDER);
    command
}

async fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(arguments).current_dir(FOLDER).kill_on_drop(true).output().await;
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{program} is missing: install Node.js {OLDEST} or later, with npm")
        }
        output => output.with_context(|| format!("{program} does not start"))?,
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    let arguments = arguments.join(" ");
    ensure!(output.status.success(), "{program} {arguments} failed:\n{complaints}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
