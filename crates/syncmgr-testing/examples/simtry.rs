//! x
fn main() {
    let mut a = std::env::args().skip(1);
    let f: u64 = a.next().unwrap().parse().unwrap();
    let n: u64 = a.next().unwrap().parse().unwrap();
    match syncmgr_testing::sim::run_many(f, n) {
        Ok(s) => println!("{s:?}"),
        Err(e) => println!("{e}"),
    }
}
