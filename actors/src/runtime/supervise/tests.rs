use std::sync::atomic::AtomicUsize;

use actix::System;
use actix_rt::Arbiter;

use super::*;
use crate::runtime::{Observe, messages};

const SOON: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Fragile {
    value: u32,
}

impl Actor for Fragile {
    type Context = Context<Self>;
}

struct Add(u32);
struct Break;
messages! { Add => u32; Break => (); }

impl Handler<Add> for Fragile {
    type Result = u32;
    fn handle(&mut self, Add(value): Add, _: &mut Self::Context) -> u32 {
        self.value += value;
        self.value
    }
}

impl Handler<Break> for Fragile {
    type Result = ();
    fn handle(&mut self, _: Break, _: &mut Self::Context) {
        panic!("broken by a test");
    }
}

fn fragile(observe: &Observe, give_up: GiveUp) -> Supervised<Fragile> {
    supervise(&Arbiter::current(), 8, observe.actor("fragile"), give_up, Fragile::default)
}

#[test]
fn a_panicking_singleton_is_rebuilt_and_counted() {
    System::new().block_on(async {
        let observe = Observe::default();
        let fragile = fragile(&observe, Arc::new(|_| ()));
        assert_eq!(fragile.ask(Add(2), SOON).await, Ok(2));
        assert_eq!(fragile.ask(Break, SOON).await, Err(AskError::Closed));
        assert_eq!(fragile.ask(Add(3), SOON).await, Ok(3), "the state begins afresh");
        assert_eq!(observe.actor("fragile").restarts.get(), 1);
    });
}

#[test]
fn a_singleton_that_keeps_dying_is_given_up_once() {
    System::new().block_on(async {
        let observe = Observe::default();
        let given_up = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&given_up);
        let fragile = fragile(
            &observe,
            Arc::new(move |name| {
                assert_eq!(name, "fragile");
                count.fetch_add(1, Ordering::Relaxed);
            }),
        );
        for _ in 0..=MAX_RESTARTS {
            assert_eq!(fragile.ask(Break, SOON).await, Err(AskError::Closed));
        }
        assert_eq!(fragile.ask(Add(1), SOON).await, Err(AskError::Closed));
        assert_eq!(given_up.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_full_mailbox_is_told_and_counted() {
    System::new().block_on(async {
        let observe = Observe::default();
        let fragile = fragile(&observe, Arc::new(|_| ()));
        // Nothing is handled before this task yields.
        let results: Vec<_> = (0..20).map(|_| fragile.tell(Add(1))).collect();
        let full = results.iter().filter(|result| **result == Err(TellError::Full)).count();
        assert!(full > 0);
        assert_eq!(observe.actor("fragile").mailbox_full.get(), full as u64);
        assert_eq!(fragile.ask(Add(0), SOON).await, Ok(20 - u32::try_from(full).unwrap()));
    });
}
