//! Sorting and sorted collections, in few instances.
//!
//! The standard library brings the code of its sorting and of its trees once for every type that they are used with: a
//! fifth of the WebAssembly build. Here only what touches the items is made for each type; what moves and compares is there
//! once, over their places.

use std::borrow::Borrow;
use std::cmp::Ordering;

/// Places in a bucket, which is cut in half beyond.
const BUCKET: usize = 512;

/// Sorts stably.
pub(crate) fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let mut order = (0..items.len()).collect::<Vec<_>>();
    sort_places(&mut order, &|a, b| compare(&items[a], &items[b]));
    let mut slots = std::mem::take(items).into_iter().map(Some).collect::<Vec<_>>();
    items.extend(order.into_iter().filter_map(|place| slots[place].take()));
}

/// The one instance.
fn sort_places(order: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    order.sort_by(|a, b| compare(*a, *b));
}

/// Places of items, in the items' order: buckets of them, none of which is empty.
#[derive(Clone, Debug, Default)]
struct Places(Vec<Vec<usize>>);

impl Places {
    /// The bucket, and where in it something is, or belongs; `compare` says how the item at a place stands to it.
    fn find(&self, compare: &dyn Fn(usize) -> Ordering) -> Result<(usize, usize), (usize, usize)> {
        let after = self.0.partition_point(|bucket| compare(bucket[0]).is_le());
        let bucket = after.saturating_sub(1);
        match self.0.get(bucket).map_or(Err(0), |places| places.binary_search_by(|place| compare(*place))) {
            Ok(at) => Ok((bucket, at)),
            Err(at) => Err((bucket, at)),
        }
    }

    fn insert(&mut self, (bucket, at): (usize, usize), place: usize) {
        let Some(places) = self.0.get_mut(bucket) else { return self.0.push(vec![place]) };
        places.insert(at, place);
        if places.len() > BUCKET {
            let half = places.split_off(BUCKET / 2);
            self.0.insert(bucket + 1, half);
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().flatten().copied()
    }
}

/// A map whose keys are sorted.
#[derive(Clone, Debug)]
pub struct SortedMap<K, V> {
    /// As they came.
    entries: Vec<(K, V)>,
    places: Places,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: Places::default() }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, (usize, usize)>
    where
        K: Borrow<Q>,
    {
        let found = self.places.find(&|place| self.entries[place].0.borrow().cmp(key));
        found.map(|(bucket, at)| self.places.0[bucket][at])
    }

    /// Sets a value, and gives back the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(at) => {
                self.places.insert(at, self.entries.len());
                self.entries.push((key, value));
                None
            }
        }
    }

    /// The value of a key, which is the default where there was none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = self.find(&key).unwrap_or_else(|at| {
            self.places.insert(at, self.entries.len());
            self.entries.push((key, V::default()));
            self.entries.len() - 1
        });
        &mut self.entries[place].1
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|place| &self.entries[place].1)
    }

    /// A key as it is in the map.
    pub fn get_key<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&K>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|place| &self.entries[place].0)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values, sorted by their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().map(|place| (&self.entries[place].0, &self.entries[place].1))
    }

    /// The same, from a key on.
    pub fn from<Q: Ord + ?Sized>(&self, key: &Q) -> impl Iterator<Item = (&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (bucket, at) = self
            .places
            .find(&|place| self.entries[place].0.borrow().cmp(key))
            .unwrap_or_else(|belongs| belongs);
        let before = self.places.0.iter().take(bucket).map(Vec::len).sum::<usize>() + at;
        self.iter().skip(before)
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values, sorted by their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let mut slots = self.entries.into_iter().map(Some).collect::<Vec<_>>();
        let sorted = self.places.iter().filter_map(|place| slots[place].take()).collect::<Vec<_>>();
        sorted.into_iter()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, items: I) {
        for (key, value) in items {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut map = Self::new();
        map.extend(items);
        map
    }
}

impl<K: Ord, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

/// A sorted set.
#[derive(Clone, Debug)]
pub struct SortedSet<T>(SortedMap<T, ()>);

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self(SortedMap::default())
    }
}

impl<T: Ord> SortedSet<T> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item, and says whether it is new.
    pub fn insert(&mut self, item: T) -> bool {
        self.0.insert(item, ()).is_none()
    }

    /// Whether it is there.
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(item)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.keys()
    }
}

impl<T: Ord> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(item, ())| item).collect::<Vec<_>>().into_iter()
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.insert(item);
        }
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::new();
        set.extend(items);
        set
    }
}

impl<T: Ord> PartialEq for SortedSet<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_items_keep_their_order() {
        let mut items = vec![(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')];
        sort_by(&mut items, |a, b| a.0.cmp(&b.0));
        assert_eq!(items, [(1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_standard_library(
            items in prop::collection::vec((0..3000_u32, any::<u8>()), 0..3000),
            sought in prop::collection::vec(0..3000_u32, 20),
        ) {
            let (mut ours, mut theirs) = (SortedMap::new(), BTreeMap::new());
            for (key, value) in &items {
                prop_assert_eq!(ours.insert(*key, *value), theirs.insert(*key, *value));
            }
            prop_assert_eq!(ours.len(), theirs.len());
            prop_assert!(ours.iter().eq(theirs.iter()));
            for key in sought {
                prop_assert_eq!(ours.get(&key), theirs.get(&key));
                prop_assert!(ours.from(&key).eq(theirs.range(key..)));
                *ours.or_default(key) += 0;
                theirs.entry(key).or_default();
            }
            prop_assert!(ours.keys().eq(theirs.keys()) && ours.values().eq(theirs.values()));
            prop_assert!(ours.into_iter().eq(theirs));
            let keys = || items.iter().map(|(key, _)| *key);
            prop_assert!(keys().collect::<SortedSet<_>>().into_iter().eq(keys().collect::<BTreeSet<_>>()));
        }
    }
}
