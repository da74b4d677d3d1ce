//! Saves: batches, conflicts, failures, commits by hand.

use futures_util::{
    StreamExt as _,
    future::{join_all, poll_immediate},
    stream::FuturesUnordered,
};
use linkmesh_proto::{CollectorId, DestinationId, api::event::Event};

use super::support::*;
use crate::{
    Handles,
    domain::{
        document::{CollectorDocument, DocumentPath},
        expansion::bombs,
    },
    mint::Mint as _,
    ports::{LARGEST_FILE, RepositoryError},
    repository::{Edit, Precondition, Save, SaveError, Saved},
    runtime::AskError,
    testing::{by, wait_for},
};

#[test]
fn concurrent_saves_share_batches_and_each_gets_its_commit() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let saves = (0..40).map(|n| {
            let handles = handles.clone();
            async move { create(&handles, &format!("p{n}"), r#"env="prod""#, 5000 + n).await }
        });
        let saved = join_all(saves).await;
        let mut revisions: Vec<_> = saved.iter().map(|saved| saved.revision).collect();
        revisions.sort();
        revisions.dedup();
        assert_eq!(revisions.len(), 40, "one commit each");
        let batches = world.repository.batches();
        assert_eq!(batches.iter().sum::<usize>(), 42, "and one that begins the repository");
        assert!(batches.len() < 41, "{batches:?}");
        for n in 0..40 {
            assert!(world.repository.text(&format!("pipelines/p{n}.yaml")).is_some());
        }
        let history = handles.repository.history(None, None, 10).await.unwrap();
        assert_eq!((history.items.len(), history.total), (10, 42));
        handles.stop().await;
    });
}

#[test]
fn of_two_saves_from_one_version_the_later_is_stale_and_gets_the_newer() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        let from = Precondition::Matches(etag(&handles, "web"));
        let outcomes =
            join_all((0..10).map(|n| save(&handles, "web", pipeline(&format!(r#"env="{n}""#), 4317), from))).await;
        let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(won.len(), 1);
        let now = etag(&handles, "web");
        assert_eq!(won[0].etag, Some(now));
        for outcome in &outcomes {
            match outcome {
                Ok(_) => {}
                Err(SaveError::Stale { current: Some(_), etag }) => assert_eq!(*etag, Some(now)),
                Err(other) => panic!("{other:?}"),
            }
        }
        let taken = save(&handles, "web", pipeline(r#"env="b""#, 4317), Precondition::Absent).await;
        assert!(matches!(taken, Err(SaveError::Exists(_))));
        let same = save(
            &handles,
            "web",
            handles.repository.snapshot().pipelines[&id("web")].document.clone(),
            Precondition::Matches(now),
        )
        .await
        .unwrap();
        assert!(!same.changed && same.etag == Some(now), "what changes nothing makes no commit");
        handles.stop().await;
    });
}

#[test]
fn full_disk_refuses_a_save_and_leaves_nothing_half_written() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let before = handles.repository.snapshot();
        world.repository.fail_commits(true);
        let refused = save(&handles, "web", pipeline(r#"env="a""#, 4317), Precondition::Absent).await;
        assert!(matches!(refused, Err(SaveError::Repository(RepositoryError::NoSpace(_)))), "{refused:?}");
        assert_eq!(handles.repository.snapshot().revision, before.revision);
        assert!(handles.repository.snapshot().pipelines.is_empty());
        world.repository.fail_commits(false);
        create(&handles, "web", r#"env="a""#, 4317).await;
        handles.stop().await;
    });
}

#[test]
fn used_destination_stays_and_what_is_not_there_is_not_found() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        let screen: DestinationId = "screen".parse().unwrap();
        let etag = handles.repository.snapshot().destinations[&screen].etag;
        let delete = |path, etag| {
            handles.repository.save(Save {
                edit: Edit::Delete(path),
                precondition: Precondition::Matches(etag),
                by: by("ada"),
            })
        };
        let refused = delete(DocumentPath::Destination(screen), etag).await;
        assert!(matches!(&refused, Err(SaveError::InUse(users)) if *users == [id("web")]), "{refused:?}");
        let missing = delete(DocumentPath::Pipeline(id("nothing")), etag).await;
        assert!(matches!(missing, Err(SaveError::NotFound(_))), "{missing:?}");
        handles.stop().await;
    });
}

#[test]
fn commit_by_hand_is_taken_over_and_announced() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        let mut feed = handles.feed.subscribe(None).await.unwrap();
        let text = world.repository.text("pipelines/web.yaml").unwrap().replace("4317", "4999");
        let head = world.repository.commit_by_hand("pipelines/web.yaml", Some(&text));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
        assert_eq!(handles.repository.snapshot().pipelines[&id("web")].updated_by, "Hand");
        loop {
            if let Event::Revision { revision, author, .. } = feed.next().await.unwrap().event {
                assert_eq!((revision, author.as_str()), (head, "Hand"));
                break;
            }
        }
        handles.stop().await;
    });
}

#[test]
fn broken_file_keeps_its_last_good_version_alone_also_after_a_restart() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        create(&handles, "other", r#"env="b""#, 4318).await;
        let head = world.repository.commit_by_hand("pipelines/web.yaml", Some("name: [broken"));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
        handles.stop().await;

        let handles = world.start().await;
        let config = handles.repository.snapshot();
        assert_eq!(config.pipelines.len(), 2);
        assert_eq!(config.pipelines[&id("web")].document.matchers, [r#"env="a""#]);
        let summary = handles.fleet.summary(None);
        assert_eq!(summary.broken_files.len(), 1);
        assert_eq!(summary.broken_files[0].path, "pipelines/web.yaml");

        let good = config.pipelines[&id("web")].etag;
        let over_good = save(&handles, "web", pipeline(r#"env="c""#, 4317), Precondition::Matches(good)).await;
        let Err(SaveError::Stale { etag: Some(broken), .. }) = over_good else { panic!("{over_good:?}") };
        save(&handles, "web", pipeline(r#"env="c""#, 4317), Precondition::Matches(broken)).await.unwrap();
        assert!(handles.fleet.summary(None).broken_files.is_empty());
        handles.stop().await;
    });
}

#[test]
fn file_whose_aliases_mean_gigabytes_is_broken_and_nothing_more() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        for bomb in [bombs::wide(), bombs::deep(), bombs::long()] {
            let head = world.repository.commit_by_hand("pipelines/web.yaml", Some(&bomb));
            wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
            let broken = handles.fleet.summary(None).broken_files;
            assert!(broken.len() == 1 && broken[0].error.contains("aliases"), "{broken:?}");
        }
        assert_eq!(handles.repository.snapshot().pipelines.len(), 1, "the last good version is in force");
        handles.stop().await;
    });
}

#[test]
fn file_that_is_too_large_is_broken_and_its_last_good_version_stays_in_force() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        let large = format!("# {}", "x".repeat(LARGEST_FILE));
        let head = world.repository.commit_by_hand("pipelines/web.yaml", Some(&large));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
        let is_as_it_was = |handles: &Handles| {
            let broken = handles.fleet.summary(None).broken_files;
            assert!(broken.len() == 1 && broken[0].error.contains("more than any document"), "{broken:?}");
            assert_eq!(handles.repository.snapshot().pipelines[&id("web")].document.matchers, [r#"env="a""#]);
        };
        is_as_it_was(&handles);
        handles.stop().await;
        let handles = world.start().await;
        is_as_it_was(&handles);
        handles.stop().await;
    });
}

#[test]
fn file_that_was_deleted_and_came_back_broken_is_in_force_neither_now_nor_after_a_start() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        world.repository.commit_by_hand("pipelines/web.yaml", None);
        let head = world.repository.commit_by_hand("pipelines/web.yaml", Some("name: [broken"));
        wait_for("taken over", || handles.repository.snapshot().revision == Some(head)).await;
        assert!(handles.repository.snapshot().pipelines.is_empty());
        assert_eq!(handles.fleet.summary(None).broken_files.len(), 1);
        handles.stop().await;
        let handles = world.start().await;
        assert!(handles.repository.snapshot().pipelines.is_empty());
        assert_eq!(handles.fleet.summary(None).broken_files.len(), 1);
        handles.stop().await;
    });
}

/// A save of a collector's document, which costs little.
async fn save_collector(handles: &Handles, collector: CollectorId) -> Result<Saved, SaveError> {
    let document = CollectorDocument { version: 1, name: "host".to_owned(), labels: [].into() };
    let edit = Edit::Collector(collector, document);
    handles.repository.save(Save { edit, precondition: Precondition::Absent, by: by("ada") }).await
}

#[test]
fn saves_behind_a_stalled_disk_are_bounded_and_the_rest_is_refused() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        world.repository.stall_commits(true);
        let mut first = Box::pin(save_collector(&handles, CollectorId::generate()));
        assert!(poll_immediate(&mut first).await.is_none());
        wait_for("it is on its way", || world.repository.is_commit_stalled()).await;
        // 256 wait.
        let mut saves: FuturesUnordered<_> =
            (1..300).map(|_| async { save_collector(&handles, CollectorId::generate()).await }).collect();
        for _ in 257..300 {
            let refused = saves.next().await.unwrap();
            assert!(matches!(refused, Err(SaveError::Unavailable(AskError::Full))), "{refused:?}");
        }
        world.repository.stall_commits(false);
        let saved: Vec<_> = saves.collect().await;
        first.await.unwrap();
        assert_eq!(saved.len(), 256);
        assert!(saved.iter().all(Result::is_ok), "{saved:?}");
        handles.stop().await;
    });
}

#[test]
fn save_that_nobody_waits_for_any_more_is_not_made() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        world.repository.stall_commits(true);
        let [first, left, last] = [1, 2, 3].map(|n| CollectorId::from_bytes([n; 16]));
        let mut first = Box::pin(save_collector(&handles, first));
        let mut given_up = Box::pin(save_collector(&handles, left));
        assert!(poll_immediate(&mut first).await.is_none() && poll_immediate(&mut given_up).await.is_none());
        drop(given_up);
        world.repository.stall_commits(false);
        first.await.unwrap();
        save_collector(&handles, last).await.unwrap();
        assert_eq!(world.repository.text(&format!("collectors/{left}.yaml")), None);
        assert_eq!(world.repository.len(), 3, "the beginning and two saves");
        handles.stop().await;
    });
}

#[test]
fn documents_that_are_looked_through_hold_nobody_up() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let mut turns = Vec::new();
        while let Some(Ok(turn)) = poll_immediate(handles.repository.turn()).await {
            turns.push(turn);
        }
        let save = |name| save(&handles, name, pipeline(r#"env="a""#, 4317), Precondition::Absent);
        let (mut waits, mut leaves) = (Box::pin(save("waits")), Box::pin(save("leaves")));
        assert!(poll_immediate(&mut waits).await.is_none() && poll_immediate(&mut leaves).await.is_none());
        save_collector(&handles, CollectorId::from_bytes([1; 16])).await.unwrap();
        drop(leaves);
        turns.clear();
        waits.await.unwrap();
        assert_eq!(world.repository.text("pipelines/leaves.yaml"), None);
        assert!(world.repository.text("pipelines/waits.yaml").is_some());
        handles.stop().await;
    });
}

#[test]
fn save_that_meets_a_commit_by_hand_is_judged_again() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "web", r#"env="a""#, 4317).await;
        let text = world.repository.text("pipelines/web.yaml").unwrap().replace("4317", "4999");
        world.repository.commit_by_hand_before_the_next_batch("pipelines/web.yaml", &text);
        let from = Precondition::Matches(etag(&handles, "web"));
        let outcomes = join_all([
            save(&handles, "web", pipeline(r#"env="b""#, 4317), from),
            save(&handles, "new", pipeline(r#"env="b""#, 4320), Precondition::Absent),
        ])
        .await;
        assert!(matches!(outcomes[0], Err(SaveError::Stale { .. })), "{:?}", outcomes[0]);
        assert!(outcomes[1].is_ok(), "{:?}", outcomes[1]);
        handles.stop().await;
    });
}

#[test]
fn restore_brings_back_what_was_as_a_new_commit() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let first = create(&handles, "web", r#"env="a""#, 4317).await.revision;
        let from = Precondition::Matches(etag(&handles, "web"));
        let second = save(&handles, "web", pipeline(r#"env="b""#, 4317), from).await.unwrap().revision;
        let diff = handles.repository.diff(None, second).await.unwrap().shown();
        assert_eq!((diff.base, diff.files.len()), (Some(first), 1));
        let changed: Vec<&str> = diff.files[0].patch.lines().filter(|line| line.contains("env=")).collect();
        assert_eq!(changed, [r#"-match: ['env="a"']"#, r#"+match: ['env="b"']"#], "{diff:?}");

        let restore = async |of| {
            let restoration = handles.repository.restoration(of, None).await.unwrap();
            handles.repository.restore(restoration, &by("ada")).await.unwrap()
        };
        let restored = restore(first).await;
        assert_eq!(restored.paths, ["pipelines/web.yaml"]);
        assert_eq!(handles.repository.snapshot().pipelines[&id("web")].document.matchers, [r#"env="a""#]);
        let again = restore(first).await;
        assert_eq!((again.revision, again.paths.len()), (restored.revision, 0), "nothing differs");
        let unknown = linkmesh_proto::Revision::from_bytes([9; 20]);
        assert!(handles.repository.restoration(unknown, None).await.is_err());
        handles.stop().await;
    });
}

#[test]
fn restore_overwrites_no_save_that_was_answered_since_it_was_looked_at() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        let first = create(&handles, "web", r#"env="a""#, 4317).await.revision;
        let matching = |env: &str| pipeline(&format!(r#"env="{env}""#), 4317);
        let from = Precondition::Matches(etag(&handles, "web"));
        save(&handles, "web", matching("b"), from).await.unwrap();

        // Answered before the restore comes to the repository.
        let restoration = handles.repository.restoration(first, None).await.unwrap();
        let from = Precondition::Matches(etag(&handles, "web"));
        save(&handles, "web", matching("c"), from).await.unwrap();
        let refused = handles.repository.restore(restoration, &by("ada")).await;
        let now = etag(&handles, "web");
        assert!(matches!(refused, Err(SaveError::Stale { etag, .. }) if etag == Some(now)), "{refused:?}");

        // At the same time: whichever comes first, the other is told, and overwrites nothing.
        let restoration = handles.repository.restoration(first, None).await.unwrap();
        let ada = by("ada");
        let (saved, restored) = tokio::join!(
            save(&handles, "web", matching("d"), Precondition::Matches(now)),
            handles.repository.restore(restoration, &ada),
        );
        let left = match (&saved, &restored) {
            (Ok(_), Err(SaveError::Stale { .. })) => r#"env="d""#,
            (Err(SaveError::Stale { .. }), Ok(_)) => r#"env="a""#,
            outcomes => panic!("{outcomes:?}"),
        };
        assert_eq!(handles.repository.snapshot().pipelines[&id("web")].document.matchers, [left]);

        // By hand, found by the commit itself.
        let from = Precondition::Matches(etag(&handles, "web"));
        save(&handles, "web", matching("e"), from).await.unwrap();
        let restoration = handles.repository.restoration(first, None).await.unwrap();
        let text = world.repository.text("pipelines/web.yaml").unwrap().replace("4317", "4999");
        world.repository.commit_by_hand_before_the_next_batch("pipelines/web.yaml", &text);
        let refused = handles.repository.restore(restoration, &by("ada")).await;
        assert!(matches!(refused, Err(SaveError::Stale { .. })), "{refused:?}");
        assert_eq!(world.repository.text("pipelines/web.yaml").unwrap(), text);
        handles.stop().await;
    });
}

#[test]
fn merge_of_packs_is_finished_without_another_save() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        // One after the other, so that each is a batch: as many as make maintenance due.
        for n in 0..64 {
            let document = CollectorDocument { version: 1, name: format!("host-{n}"), labels: [].into() };
            let edit = Edit::Collector(CollectorId::generate(), document);
            handles.repository.save(Save { edit, precondition: Precondition::Absent, by: by("ada") }).await.unwrap();
        }
        wait_for("the merge is finished", || world.repository.merged() > 0).await;
        handles.stop().await;
    });
}
