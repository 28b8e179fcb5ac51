//! x
use std::path::Path;
use std::sync::Arc;
use syncmgr_engine::{cancel::Cancel, clock::*, journal::*, monitor::*, pair::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let c: Arc<dyn Clock> = Arc::new(SystemClock);
    let t = c.ticks_ns();
    let mut p = Pair::open(
        Path::new(&a[1]),
        Path::new(&a[2]),
        Path::new(&a[3]),
        c.clone(),
    )
    .unwrap();
    let t1 = c.ticks_ns();
    let o = Options::default();
    let plan = p.plan(&o, &Silent, &Cancel::new()).unwrap();
    let t2 = c.ticks_ns();
    let id = RunId::new(&format!(
        "r{}",
        c.now().secs * 1000 + i64::from(c.now().nanos / 1000000)
    ))
    .unwrap();
    let r = p
        .apply(&plan, &id, RunKind::Sync, &o, &Silent, &Cancel::new())
        .unwrap();
    let t3 = c.ticks_ns();
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    let hwm = s
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .unwrap()
        .to_owned();
    println!(
        "open {} plan {} apply {} us | changes {} renames {} conf {} prob {} sync {} | {}",
        (t1 - t) / 1000,
        (t2 - t1) / 1000,
        (t3 - t2) / 1000,
        plan.changes.len(),
        plan.renames.len(),
        r.conflicts.len(),
        r.problems.len(),
        r.is_in_sync(),
        hwm
    );
}
