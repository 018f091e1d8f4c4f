//! Numbers 36 to 55.

mod closing;
mod delivery;
mod idle;
mod invoking;
mod roles;
