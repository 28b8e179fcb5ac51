//! The agenda of an item, with the real calendar: rules one by one, then what holds for all.

mod conditions;
mod desk;
mod failures;
mod laws;
mod missed;
mod schedules;
