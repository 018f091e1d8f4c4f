//! The behaviours that the npm original's own tests pin, by the numbers of the table in `tests/README.md`.
