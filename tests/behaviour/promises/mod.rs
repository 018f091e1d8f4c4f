//! Promises of the documentation that the numbered behaviours do not touch.

mod channels;
mod closing;
mod context;
mod delivery;
mod errors;
mod interfaces;
mod many;
mod oneways;
mod outlasting;
mod publications;
mod roles;
mod single;
mod stopped;
mod undoing;
mod upstream;
mod waiting;
