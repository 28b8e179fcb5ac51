//! The engine on real file systems, with what goes wrong on them.

mod again;
mod denied;
mod desk;
mod during;
mod folding;
mod full;
mod kinds;
mod names;
mod races;
mod roots;
mod state;
