//! The control side of the center as a pure state: registration, what handlers say about
//! themselves, menus, changes with questions, what is shown, updates.

mod change;
mod handlers;
mod hidden;
mod items;
mod loading;
mod registration;
mod shown;
mod world;
