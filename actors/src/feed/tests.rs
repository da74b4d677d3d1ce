use std::time::Duration;

use actix::System;
use actix_rt::Arbiter;
use linkmesh_proto::{CollectorId, Cursor, api::event::Event};

use super::*;
use crate::{directory::Directory, runtime::supervise};

fn feed(observe: &Arc<Observe>) -> FeedHandle {
    let overflowed = Arc::new(AtomicBool::new(false));
    let (of_actor, observed) = (Arc::clone(&overflowed), Arc::clone(observe));
    let counters = observe.actor("feed");
    let actor = supervise(&Arbiter::current(), 64, counters, Arc::new(|_| ()), move || {
        FeedActor::new(1, Arc::clone(&of_actor), Arc::clone(&observed))
    });
    FeedHandle::new(actor, overflowed, Arc::new(Directory::default()))
}

fn saved(n: usize) -> FeedItem {
    let id = format!("p{n}").parse().unwrap();
    let revision = linkmesh_proto::Revision::from_bytes([1; 20]);
    FeedItem::Event(Arc::new(Event::PipelineSaved { id, revision, deleted: false }))
}

async fn next(subscription: &mut Subscription) -> Option<FeedEvent> {
    tokio::time::timeout(Duration::from_secs(5), subscription.next()).await.expect("an event or the end")
}

#[test]
fn a_reader_sees_what_is_published_and_resumes_by_cursor() {
    System::new().block_on(async {
        let feed = feed(&Arc::new(Observe::default()));
        let mut reader = feed.subscribe(None).await.unwrap();
        feed.publish(FeedItem::Collector(CollectorId::from_bytes([9; 16])));
        feed.publish(saved(1));
        feed.publish(saved(2));
        let first = next(&mut reader).await.unwrap();
        assert!(matches!(&first.event, Event::PipelineSaved { id, .. } if id.as_str() == "p1"), "no row of nobody");
        let second = next(&mut reader).await.unwrap();
        let mut resumed = feed.subscribe(Some(&first.cursor)).await.unwrap();
        assert_eq!(next(&mut resumed).await, Some(second));
        let mut reset = feed.subscribe(Some(&Cursor("nonsense".into()))).await.unwrap();
        assert_eq!(next(&mut reset).await.unwrap().event, Event::Reset {});
    });
}

#[test]
fn slow_reader_is_dropped_and_counted() {
    System::new().block_on(async {
        let observe = Arc::new(Observe::default());
        let feed = feed(&observe);
        let mut slow = feed.subscribe(None).await.unwrap();
        let mut last = None;
        for n in 0..=READER_QUEUE {
            feed.publish(saved(n));
            if n % 32 == 0 {
                // Lets the actor work, as its mailbox is small here; a fresh reader hears the newest place.
                drop(feed.subscribe(last.as_ref()).await.unwrap());
            }
        }
        drop(feed.subscribe(None).await.unwrap());
        let mut read = 0;
        while let Some(event) = next(&mut slow).await {
            last = Some(event.cursor);
            read += 1;
        }
        assert_eq!((read, observe.feed_dropped.get()), (READER_QUEUE, 1));
        let mut again = feed.subscribe(last.as_ref()).await.unwrap();
        assert!(matches!(next(&mut again).await.unwrap().event, Event::PipelineSaved { .. }), "the ring has the rest");
    });
}

#[test]
fn an_overflow_makes_every_reader_begin_again() {
    System::new().block_on(async {
        let observe = Arc::new(Observe::default());
        let feed = feed(&observe);
        let mut reader = feed.subscribe(None).await.unwrap();
        feed.publish(saved(0));
        let seen = next(&mut reader).await.unwrap();
        // Nothing is handled before this task yields, and 64 fit.
        (0..200).for_each(|n| feed.publish(saved(n)));
        let mut again = feed.subscribe(Some(&seen.cursor)).await.unwrap();
        assert_eq!(next(&mut again).await.unwrap().event, Event::Reset {});
        while next(&mut reader).await.is_some() {}
    });
}
