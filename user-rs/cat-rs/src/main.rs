//! Writes the files that its arguments name to standard output.

#![no_std]
#![no_main]
#![cfg_attr(test, feature(custom_test_frameworks))]
#![cfg_attr(test, test_runner(ostoo_rt::test_runner))]
#![cfg_attr(test, reexport_test_harness_main = "test_main")]

use core::ffi::CStr;

use ostoo_rt::io::STDOUT;
use ostoo_rt::syscall::{close, open, read, Errno};
use ostoo_rt::{args, eprintln};

const READ_ONLY: i32 = 0;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {
    let mut code = 0;
    for path in args().skip(1) {
        if let Err(error) = copy(path) {
            eprintln!("cat-rs: {}: error {}", path.to_str().unwrap_or("?"), error.0);
            code = 1;
        }
    }
    code
}

fn copy(path: &CStr) -> Result<(), Errno> {
    let file = open(path, READ_ONLY, 0)?;
    let copied = copy_open(file);
    close(file)?;
    copied
}

fn copy_open(file: i32) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    loop {
        match read(file, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => STDOUT.write_all(&buffer[..length])?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{copy, Errno};

    #[export_name = "main"]
    fn run() -> i32 {
        crate::test_main();
        0
    }

    #[test_case]
    fn a_file_that_is_not_there_is_an_error() {
        const NO_SUCH_FILE: Errno = Errno(2);
        assert_eq!(copy(c"/no/such/file"), Err(NO_SUCH_FILE));
    }
}
