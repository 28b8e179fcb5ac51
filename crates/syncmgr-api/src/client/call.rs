//! The calls of the API by name.
