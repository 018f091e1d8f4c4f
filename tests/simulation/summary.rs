//! What happened in histories, in figures.

use std::fmt;
use std::ops::AddAssign;

/// A struct of counts that can be added and printed, all of them.
macro_rules! counts {
    ($($(#[$doc:meta])* $count:ident,)*) => {
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct Summary {
            $($(#[$doc])* pub(crate) $count: u64,)*
        }

        impl AddAssign for Summary {
            fn add_assign(&mut self, other: Self) {
                $(self.$count += other.$count;)*
            }
        }

        impl fmt::Display for Summary {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let counts = [$(format!("{}={}", stringify!($count), self.$count)),*];
                f.write_str(&counts.join(" "))
            }
        }
    };
}

counts! {
    kills,
    stops,
    closes,
    cuts,
    /// Times that the whole machine slept.
    sleeps,
    /// Leaderships but the first.
    takeovers,
    /// Members that stood alone.
    alone,
    calls,
    acknowledged,
    not_executed,
    busy,
    unknown,
    /// Calls that were dropped before their end.
    dropped,
    reads,
    missed,
    /// Shared keys of which it is known what is to be published under them.
    settled,
}
