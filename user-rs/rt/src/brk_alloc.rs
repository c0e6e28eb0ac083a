//! The global allocator of programs without std: blocks are cut from the heap that `brk` moves the end of.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr;

use crate::bump::Bump;
use crate::syscall::brk;

const PAGE: usize = 4096;

/// What is handed out (None until the first block is wanted), and where the kernel lets the heap end.
struct BrkAlloc {
    heap: Cell<Option<Bump>>,
    end: Cell<usize>,
}

// SAFETY: programs without std have one thread.
unsafe impl Sync for BrkAlloc {}

#[global_allocator]
static HEAP: BrkAlloc = BrkAlloc { heap: Cell::new(None), end: Cell::new(0) };

impl BrkAlloc {
    fn heap(&self) -> Bump {
        // SAFETY: 0 only asks where the heap ends.
        self.heap.get().unwrap_or_else(|| Bump::new(unsafe { brk(0) }))
    }

    /// Takes over a new state of the heap; false where the kernel does not give so much memory.
    fn commit(&self, heap: Bump) -> bool {
        if heap.top() > self.end.get() {
            let Some(end) = heap.top().checked_next_multiple_of(PAGE) else { return false };
            // SAFETY: what lies above the top is handed out to nobody.
            if unsafe { brk(end) } < end {
                return false;
            }
            self.end.set(end);
        }
        self.heap.set(Some(heap));
        true
    }
}

// SAFETY: blocks do not overlap (see `bump`), and only the last one is ever moved or shrunk.
unsafe impl GlobalAlloc for BrkAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.heap().allocated(layout.size(), layout.align()) {
            Some((heap, block)) if self.commit(heap) => block as *mut u8,
            _ => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        self.heap.set(Some(self.heap().freed(block as usize)));
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if let Some(heap) = self.heap().resized(block as usize, size) {
            return if self.commit(heap) { block } else { ptr::null_mut() };
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller keeps `size` within what a layout allows, and the new block overlaps no other.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}
