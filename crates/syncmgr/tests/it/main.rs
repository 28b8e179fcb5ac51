//! The program, end to end: the binary in a home of its own, its stdout, stderr and exit code.

mod harness;

mod conflicts;
mod help;
mod hostile;
mod saved;
mod signals;
mod sync;
