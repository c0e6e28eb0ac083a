//! A bump allocator's arithmetic, apart from the memory that it hands out: numbers only, so that it can be tested.

/// A heap from `start` on, of which the part below `top` is handed out. Only the last block can be resized or returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bump {
    top: usize,
    last: usize,
}

impl Bump {
    /// An empty heap.
    pub const fn new(start: usize) -> Bump {
        Bump { top: start, last: start }
    }

    /// The end of what is handed out.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The heap with one more block, and where the block begins; None where addresses run out.
    pub fn allocated(&self, size: usize, align: usize) -> Option<(Bump, usize)> {
        let start = self.top.checked_add(align - 1)? & !(align - 1);
        let top = start.checked_add(size)?;
        Some((Bump { top, last: start }, start))
    }

    /// The heap after a block's size has changed in place; None where it is not the last one, or addresses run out.
    pub fn resized(&self, block: usize, size: usize) -> Option<Bump> {
        let top = block.checked_add(size)?;
        (block == self.last && block != self.top).then_some(Bump { top, last: block })
    }

    /// The heap after a block was returned: that only helps for the last one.
    pub fn freed(&self, block: usize) -> Bump {
        if block == self.last {
            Bump { top: block, last: block }
        } else {
            *self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bump;

    #[test]
    fn blocks_are_aligned_and_follow_each_other() {
        let (heap, first) = Bump::new(1).allocated(3, 8).unwrap();
        let (heap, second) = heap.allocated(5, 4).unwrap();
        assert_eq!((first, second, heap.top()), (8, 12, 17));
    }

    #[test]
    fn only_the_last_block_is_resized_or_freed() {
        let (heap, first) = Bump::new(0x1000).allocated(16, 16).unwrap();
        let (heap, second) = heap.allocated(16, 16).unwrap();
        assert_eq!(heap.resized(first, 64), None);
        assert_eq!(heap.resized(second, 64).unwrap().top(), second + 64);
        assert_eq!(heap.freed(first), heap);
        assert_eq!(heap.freed(second).top(), second);
    }

    #[test]
    fn a_freed_block_is_not_resized() {
        let (heap, block) = Bump::new(0x1000).allocated(16, 16).unwrap();
        assert_eq!(heap.freed(block).resized(block, 8), None);
    }

    #[test]
    fn addresses_that_run_out_are_refused() {
        assert_eq!(Bump::new(8).allocated(usize::MAX - 8, 16), None);
        assert_eq!(Bump::new(usize::MAX - 3).allocated(1, 8), None);
        let (heap, block) = Bump::new(16).allocated(16, 16).unwrap();
        assert_eq!(heap.resized(block, usize::MAX), None);
    }
}
