use std::convert::Infallible;

use super::*;
use crate::runtime::Observe;

const SOON: Duration = Duration::from_secs(5);

fn counting(observe: &Observe, capacity: usize) -> Worker<u32> {
    Worker::spawn(observe.actor("counting"), capacity, || Ok::<_, Infallible>(0)).unwrap()
}

#[tokio::test]
async fn a_panic_rebuilds_the_value_and_is_counted() {
    let observe = Observe::default();
    let worker = counting(&observe, 8);
    assert_eq!(worker.call(SOON, |value| std::mem::replace(value, 7)).await, Ok(0));
    assert_eq!(worker.call(SOON, |_| -> u32 { panic!("broken by a test") }).await, Err(WorkerError::Panicked));
    assert_eq!(worker.call(SOON, |value| *value).await, Ok(0));
    assert_eq!(observe.actor("counting").restarts.get(), 1);
}

#[tokio::test]
async fn a_value_that_cannot_be_built_is_tried_again() {
    let observe = Observe::default();
    let mut attempts = 0;
    let worker = Worker::spawn(observe.actor("stubborn"), 8, move || {
        attempts += 1;
        if attempts < 2 { Err("not yet") } else { Ok(attempts) }
    })
    .unwrap();
    assert_eq!(worker.call(SOON, |value| *value).await, Err(WorkerError::NotBuilt));
    assert_eq!(worker.call(SOON, |value| *value).await, Ok(2));
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_stopped_worker_says_so() {
    let observe = Observe::default();
    let worker = counting(&observe, 1);
    let (release, blocked) = sync_channel::<()>(0);
    let (begun, has_begun) = oneshot::channel();
    let busy = tokio::spawn({
        let worker = worker.clone();
        async move {
            worker
                .call(SOON, move |_| {
                    let _ = begun.send(());
                    let _ = blocked.recv();
                })
                .await
        }
    });
    has_begun.await.unwrap();
    let waiting = tokio::spawn({
        let worker = worker.clone();
        async move { worker.call(SOON, |value| *value).await }
    });
    // The one place in the queue is taken as soon as the task ran.
    tokio::task::yield_now().await;
    assert_eq!(worker.call(SOON, |value| *value).await, Err(WorkerError::Full));
    assert_eq!(observe.actor("counting").mailbox_full.get(), 1);
    release.send(()).unwrap();
    assert_eq!((busy.await.unwrap(), waiting.await.unwrap()), (Ok(()), Ok(0)));
    assert_eq!(worker.stop(SOON).await, Ok(()));
    assert_eq!(worker.call(SOON, |value| *value).await, Err(WorkerError::Stopped));
}

#[tokio::test]
async fn commands_gather_while_a_batch_is_written() {
    let observe = Observe::default();
    let (batches, seen) = sync_channel(8);
    let (release, blocked) = sync_channel::<()>(8);
    let blocked = Arc::new(parking_lot::Mutex::new(blocked));
    let worker = BatchWorker::spawn(observe.actor("writer"), 16, 3, move || {
        let (batches, blocked) = (batches.clone(), Arc::clone(&blocked));
        move |batch: Vec<u32>| {
            batches.send(batch).unwrap();
            blocked.lock().recv().unwrap();
        }
    })
    .unwrap();
    worker.give(1).unwrap();
    assert_eq!(seen.recv().unwrap(), [1]);
    for command in 2..=5 {
        worker.give(command).unwrap();
    }
    for _ in 0..3 {
        release.send(()).unwrap();
    }
    assert_eq!((seen.recv().unwrap(), seen.recv().unwrap()), (vec![2, 3, 4], vec![5]));
}
