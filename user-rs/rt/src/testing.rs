//! The test harness of programs without std. `./ostoo test` asks it for names, and for one test at a time.
//!
//! It speaks libtest's words `--list` and `--exact NAME`, and ends as libtest does where panics abort: with 50 after a
//! test that passed.

use core::any::type_name;
use core::ffi::CStr;

use crate::panic::{exit_with, PANICKED};
use crate::{args, eprintln, println, syscall};

const PASSED: i32 = 50;
const MISUSED: i32 = 2;

/// A test that says more of itself than its function does; `ostoo_rt::test!` makes one.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Its path, the crate's name first.
    pub path: &'static str,
    /// Whether it has to be asked for.
    pub ignored: bool,
    /// Whether it passes by a panic, and by that alone.
    pub should_panic: bool,
    /// What it does.
    pub body: fn(),
}

/// What `#[test_case]` may stand before: a function, or a `Test`.
pub trait Testable {
    /// The test's path, the crate's name first.
    fn path(&self) -> &'static str;

    /// Whether it has to be asked for.
    fn is_ignored(&self) -> bool {
        false
    }

    /// Whether it passes by a panic.
    fn should_panic(&self) -> bool {
        false
    }

    /// Carries it out.
    fn run(&self);
}

impl<T: Fn()> Testable for T {
    fn path(&self) -> &'static str {
        type_name::<T>()
    }

    fn run(&self) {
        self();
    }
}

impl Testable for Test {
    fn path(&self) -> &'static str {
        self.path
    }

    fn is_ignored(&self) -> bool {
        self.ignored
    }

    fn should_panic(&self) -> bool {
        self.should_panic
    }

    fn run(&self) {
        (self.body)();
    }
}

/// Declares a test with `#[ignore]`, `#[should_panic]`, or both in this order; `#[test_case]` alone knows neither.
#[macro_export]
macro_rules! test {
    (#[ignore] fn $name:ident() $body:block) => { $crate::test!(@ $name, true, false, $body); };
    (#[should_panic] fn $name:ident() $body:block) => { $crate::test!(@ $name, false, true, $body); };
    (#[ignore] #[should_panic] fn $name:ident() $body:block) => { $crate::test!(@ $name, true, true, $body); };
    (@ $name:ident, $ignored:literal, $should_panic:literal, $body:block) => {
        #[test_case]
        #[allow(non_upper_case_globals)]
        static $name: $crate::Test = $crate::Test {
            path: ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
            ignored: $ignored,
            should_panic: $should_panic,
            body: || $body,
        };
    };
}

/// The crate's `#![test_runner]`: does what the arguments ask for, and ends the program.
pub fn test_runner(tests: &[&dyn Testable]) -> ! {
    let has = |word: &CStr| args().any(|argument| argument == word);
    if has(c"--list") {
        let chosen = tests.iter().filter(|test| test.is_ignored() || !has(c"--ignored"));
        chosen.for_each(|test| println!("{}: test", name(*test)));
        syscall::exit(0);
    }
    let wanted = args().skip_while(|argument| *argument != c"--exact").nth(1);
    match wanted.and_then(|wanted| tests.iter().find(|test| name(**test).as_bytes() == wanted.to_bytes())) {
        Some(test) => perform(*test),
        None => {
            eprintln!("`./ostoo test` runs these tests, one at a time: --list, --exact NAME");
            syscall::exit(MISUSED)
        }
    }
}

fn perform(test: &dyn Testable) -> ! {
    if test.should_panic() {
        exit_with(PASSED);
        test.run();
        eprintln!("note: test did not panic as expected");
        syscall::exit(PANICKED)
    }
    test.run();
    syscall::exit(PASSED)
}

/// The path within the crate, as libtest names tests.
fn name(test: &dyn Testable) -> &'static str {
    test.path().split_once("::").map_or(test.path(), |(_, name)| name)
}
