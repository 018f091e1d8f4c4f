//! Promises of the documentation that the numbered behaviours do not touch.
