//! Packs stay few, and nothing is lost on the way.

use super::*;

fn pack_files(fixture: &Fixture) -> Vec<PathBuf> {
    let entries = fs::read_dir(pack::directory(&fixture.path())).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|kind| kind == "pack")).collect()
}

fn packs(fixture: &Fixture) -> usize {
    pack_files(fixture).len()
}

#[test]
fn packs_stay_few_and_the_repository_sound_over_many_saves() {
    let mut fixture = Fixture::new();
    let mut most = 0;
    let mut merges = 0;
    for number in 0..150 {
        fixture.save(&format!("pipelines/p{}.yaml", number % 40), &format!("version: {number}\n"));
        let report = fixture.maintain();
        merges += usize::from(report.packed);
        most = most.max(packs(&fixture));
        assert_eq!(report.packs_after, packs(&fixture));
    }
    assert!(most < 30 && merges > 2, "{most} packs at most, {merges} merges");
    assert_eq!(fixture.git(&["rev-list", "--count", "main"]).trim(), "150");
    assert_eq!(fixture.files().len(), 40);
    fixture.assert_sound();
    fixture.reopen();
    let history = fixture.repository.history(&HistoryQuery { limit: 500, ..HistoryQuery::default() }).unwrap();
    assert_eq!(history.len(), 150);
}

#[test]
fn pack_of_a_save_has_the_index_and_the_name_that_git_gives_it() {
    let mut fixture = Fixture::new();
    for number in 0..40 {
        // Sizes of one, two and three bytes in the head of an object.
        let text = format!("{number}: {}\n", "text ".repeat(number * number));
        fixture.save(&format!("pipelines/p{number}.yaml"), &text);
    }
    // Four bytes, and a tree that is more than one piece where nothing is deflated.
    let many = (0..2_000).map(|number| (format!("pipelines/m{number}.yaml"), PathChange::Put(b"m: 1\n".to_vec())));
    let large = ("pipelines/large.yaml".to_owned(), PathChange::Put("text ".repeat(80_000).into_bytes()));
    let request = CommitRequest { changes: many.chain([large]).collect(), ..put("", "") };
    let head = fixture.repository.head().unwrap();
    fixture.repository.commit(head, &[request]).unwrap();
    let apart = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for pack in pack_files(&fixture) {
        let index = apart.path().join("git.idx");
        let (pack_arg, index_arg) = (pack.to_str().unwrap(), index.to_str().unwrap());
        let said = fixture.git(&["index-pack", "--strict", "--index-version=2", "-o", index_arg, pack_arg]);
        assert_eq!(pack.file_stem().unwrap().to_str().unwrap(), format!("pack-{}", said.trim()));
        assert!(fs::read(&index).unwrap() == fs::read(pack.with_extension("idx")).unwrap(), "{pack_arg}");
        fs::remove_file(index).unwrap();
        compared += 1;
    }
    assert_eq!(compared, 41);
    fixture.assert_sound();
}

#[test]
fn pack_of_a_save_that_was_taken_back_serves_the_same_save_again() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    let second = fixture.save("pipelines/a.yaml", "a: 2\n");
    fixture.git(&["update-ref", "refs/heads/main", &first.to_string()]);
    fixture.reopen();
    assert_eq!(packs(&fixture), 2);
    assert_eq!(fixture.save("pipelines/a.yaml", "a: 2\n"), second, "the same objects, to the byte");
    assert_eq!(packs(&fixture), 2);
    fixture.assert_sound();
}

#[test]
fn loose_objects_of_commits_by_hand_are_packed() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let clone = tempfile::tempdir().unwrap();
    git(clone.path(), &["clone", "-q", fixture.path().to_str().unwrap(), "clone"]);
    let at = clone.path().join("clone");
    for number in 0..250 {
        fs::write(at.join(format!("pipelines/h{number}.yaml")), format!("h: {number}\n")).unwrap();
    }
    git(&at, &["add", "-A"]);
    git(&at, &["commit", "-q", "-m", "many"]);
    git(&at, &["-c", "transfer.unpackLimit=10000", "push", "-q", "origin", "HEAD:main"]);
    fixture.git(&["config", "transfer.unpackLimit", "10000"]);
    for file in pack_files(&fixture) {
        // Whatever way the objects came in, they are made loose here.
        let moved = clone.path().join(file.file_name().unwrap());
        fs::rename(&file, &moved).unwrap();
        fs::remove_file(file.with_extension("idx")).unwrap();
        let unpacked = Command::new("git")
            .args(["-C", fixture.path().to_str().unwrap(), "unpack-objects", "-q"])
            .stdin(fs::File::open(moved).unwrap())
            .status();
        assert!(unpacked.unwrap().success());
    }
    fixture.reopen();
    let report = fixture.maintain();
    assert!(report.packed && report.loose_removed > 250, "{report:?}");
    assert!(fixture.git(&["count-objects", "-v"]).contains("count: 0\n"));
    assert_eq!(fixture.files().len(), 251);
    fixture.save("pipelines/a.yaml", "a: 2\n");
    fixture.assert_sound();
}

#[test]
fn saves_and_reads_go_on_while_packs_are_merged() {
    let mut fixture = Fixture::new();
    let (mut begun, mut ended) = (false, false);
    // Ends when a merge that began has been finished by a later call.
    for number in 0.. {
        fixture.save("pipelines/a.yaml", &number.to_string());
        let report = fixture.repository.maintain().unwrap();
        ended |= report.packed;
        begun |= fixture.repository.packing.is_some();
        assert_eq!(fixture.files(), [("pipelines/a.yaml".to_owned(), number.to_string())]);
        if ended {
            break;
        }
    }
    assert!(begun);
    fixture.assert_sound();
}

#[test]
fn leftovers_of_a_killed_merge_or_save_are_removed_at_the_next_start() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let leftovers = ["0123456789abcdef", "0123456789abcdef_idx", "0123456789abcdef_pack"]
        .map(|name| fixture.path().join(format!("objects/pack/pack_git2_{name}")));
    leftovers.iter().for_each(|leftover| fs::write(leftover, "half of it").unwrap());
    fixture.assert_sound();
    fixture.reopen();
    assert!(leftovers.iter().all(|leftover| !leftover.exists()));
    assert_eq!(fixture.files().len(), 1);
}

#[test]
fn quiet_repository_is_left_alone() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let report = fixture.maintain();
    assert_eq!((report.packed, report.packs_before, report.packs_after), (false, 1, 1));
}

#[test]
fn pack_that_somebody_marked_is_kept() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let entries = fs::read_dir(fixture.path().join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let kept = entries.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap();
    fs::write(kept.with_extension("keep"), "").unwrap();
    for number in 0..30 {
        fixture.save("pipelines/a.yaml", &number.to_string());
    }
    assert!(fixture.maintain().packed);
    assert!(kept.is_file());
    fixture.assert_sound();
}
