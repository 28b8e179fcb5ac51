//! The test instruments, tested.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod power;
#[cfg(test)]
mod replica;
#[cfg(test)]
mod sim;
