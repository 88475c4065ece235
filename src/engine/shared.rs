//! Values of a model that several hold at once, in memory or in a mapped file.

use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::Pod;
use memmap2::Mmap;

/// Values that are somebody's own or lie in a mapped file; cheap to clone.
#[derive(Clone)]
pub enum Shared<T> {
    /// In memory.
    Own(Arc<Vec<T>>),
    /// In a file.
    Mapped(Arc<Mmap>, Range<usize>, PhantomData<T>),
}

impl<T: Pod> Shared<T> {
    /// Values in memory.
    pub fn own(values: Vec<T>) -> Self {
        Shared::Own(Arc::new(values))
    }

    /// Those bytes of `map`, where they are values.
    pub fn mapped(map: &Arc<Mmap>, range: Range<usize>) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, T>(map.get(range.clone())?).ok()?;
        Some(Shared::Mapped(Arc::clone(map), range, PhantomData))
    }
}

impl<T: Pod> Deref for Shared<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Shared::Own(values) => values,
            Shared::Mapped(map, range, _) => bytemuck::cast_slice(&map[range.clone()]),
        }
    }
}

impl<T: Pod> AsRef<[u8]> for Shared<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}
