//! The host with handlers that follow a script: instances, threads, and what comes of every answer.

mod bench;
mod instances;
mod reading;
mod shown;
