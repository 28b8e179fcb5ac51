//! x
use syncmgr_testing::sim::*;
fn main() {
    let mut a = std::env::args().skip(1);
    let f: u64 = a.next().unwrap().parse().unwrap();
    let n: u64 = a.next().unwrap().parse().unwrap();
    let mode = a.next().unwrap_or_default();
    let show = mode == "show";
    let mut bad = 0;
    let t = std::time::Instant::now();
    for seed in f..f + n {
        let mut fails = Vec::new();
        if mode != "everywhere" {
            match run_seed(seed, &SimOptions::default()) {
                Ok(o) => {
                    if seed % 5 == 0 {
                        if let Err(e) = check_repeatable(seed, &SimOptions::default(), &o) {
                            fails.push(("rep", e));
                        }
                    }
                }
                Err(e) => fails.push(("run", e)),
            }
        }
        if mode == "everywhere"
            || (mode == "" && seed % 25 == 0)
            || (mode == "show" && fails.is_empty())
        {
            if let Err(e) = crash_everywhere(seed) {
                fails.push(("every", e));
            }
        }
        for (k, e) in fails {
            bad += 1;
            if show {
                println!("{e}");
            }
            let what: String = e.what.chars().take(400).collect();
            println!("BAD {seed} {k} {what}");
        }
        if bad > 25 {
            break;
        }
    }
    println!("done {f}+{n}: {bad} bad, {:?}", t.elapsed());
}
