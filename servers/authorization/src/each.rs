//! How is each address kept to its share of what there is few of?

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

/// So many permits for each address. Nobody is remembered who has none and waits for none.
pub struct Each {
    permits: usize,
    of_one: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Each {
    /// So many for each.
    pub fn new(permits: usize) -> Self {
        Self { permits, of_one: Mutex::default() }
    }

    /// Those of this address.
    pub fn of(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut all = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, permits| Arc::strong_count(permits) > 1);
        all.entry(address).or_insert_with(|| Arc::new(Semaphore::new(self.permits))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_remembered_who_has_nothing() {
        let each = Each::new(1);
        let of = |last: u8| each.of(IpAddr::from([10, 0, 0, last])).try_acquire_owned();
        let held = of(1).unwrap();
        assert!(of(1).is_err() && of(2).is_ok() && of(3).is_ok());
        assert_eq!(each.of_one.lock().unwrap().len(), 2, "who has one, and the last who asked");
        drop(held);
        assert!(of(1).is_ok());
    }
}
