//! x
use std::mem::size_of; use syncmgr_engine::{entry::*,plan::*,scan::*,compare::*,replica::*,path::*};
fn main(){ println!("Entry {} State {} Fault {} Agreed {} Difference {} Facts {} Change {} Op {} Source {} RelPath {} Sides<State> {}", size_of::<Entry>(),size_of::<State>(),size_of::<Fault>(),size_of::<Agreed>(),size_of::<Difference>(),size_of::<Facts>(),size_of::<Change>(),size_of::<Op>(),size_of::<Source>(),size_of::<RelPath>(),size_of::<Sides<State>>()); }
