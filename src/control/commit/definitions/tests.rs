use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object(value: serde_json::Value) -> Object {
    value.as_object().expect("an object").clone()
}

fn keys<T>(rows: Vec<(Key, T)>) -> Vec<String> {
    rows.into_iter().map(|(key, _)| key.into()).collect()
}

fn some_rows() -> Definitions {
    let row = |key: &str| (Key::from(key), Box::from(r#"{"a":1}"#));
    // In the order of bytes `-` stands before `/` and `0` behind it.
    Definitions::new(["r", "r/a", "r/a-b", "r/a-b/x", "r/a/x", "r/a/x/y", "r/a0", "r/b/z", "r0", "ra"].map(row), 7)
}

#[test]
fn a_key_holds_any_text() {
    for parts in [&["restapis", "a/b", "100%", "\n", "", "ü"][..], &[""], &[], &["%"], &["%25", "/"]] {
        assert_eq!(segments(&key(parts)), parts);
    }
    assert_eq!(&*key(&["basepaths", "v1/pets", ""]), "basepaths/v1%2Fpets/%");
}

#[test]
fn below_a_prefix_is_what_has_it_and_a_slash() {
    let rows = some_rows();
    let below = |prefix| rows.below(prefix).map(|(key, _)| &**key).collect::<Vec<_>>();
    assert_eq!(below("r/a"), ["r/a/x", "r/a/x/y"]);
    assert_eq!(below("r"), ["r/a", "r/a-b", "r/a-b/x", "r/a/x", "r/a/x/y", "r/a0", "r/b/z"]);
    assert_eq!(below("").len(), rows.len());
    let children = |prefix| rows.children(prefix).map(|(key, _)| &**key).collect::<Vec<_>>();
    assert_eq!(children("r"), ["r/a", "r/a-b", "r/a0"]);
    assert_eq!(children(""), ["r", "r0", "ra"]);
    assert_eq!(children("r/a"), ["r/a/x"]);
}

#[test]
fn a_draft_reads_what_it_wrote() {
    let rows = some_rows();
    let mut draft = rows.draft();
    draft.put("r/c", &object(json!({"z": 1, "a": 2})));
    assert!(draft.delete("r/a") && !draft.delete("r/a") && !draft.delete("nothing"));
    assert_eq!(draft.get("r/c"), Some(object(json!({"z": 1, "a": 2}))));
    assert_eq!((draft.get("r/a"), draft.contains("r/b")), (None, false));
    assert_eq!(keys(draft.children("r")), ["r/a-b", "r/a0", "r/c"]);
    assert_eq!(draft.delete_below("r/a"), 2);
    assert_eq!(keys(draft.list("r")), ["r/a-b", "r/a-b/x", "r/a0", "r/b/z", "r/c"]);
    draft.put_blob("deployments/1", *b"large");
    let change = draft.finish(8);
    let expected = [("r/a", None), ("r/a/x", None), ("r/a/x/y", None), ("r/c", Some(r#"{"z":1,"a":2}"#.to_owned()))];
    let expected: Vec<_> =
        expected.into_iter().map(|(key, text)| (Key::from(key), text.map(Box::<str>::from))).collect();
    assert_eq!((change.revision, change.rows), (8, expected));
    assert_eq!(change.blobs, [(Key::from("deployments/1"), Some(Box::from(*b"large")))]);
}

#[test]
fn what_stays_as_it_was_is_no_part_of_the_change() {
    let rows = some_rows();
    let mut draft = rows.draft();
    draft.put("r/a", &object(json!({"a": 1})));
    draft.put("new", &object(json!({})));
    assert!(draft.delete("new") && draft.delete("r/b/z"));
    draft.put("r/b/z", &object(json!({"a": 1})));
    assert_eq!(draft.finish(8), Change { revision: 8, ..Change::default() });
}

#[derive(Clone, Debug)]
enum Act {
    Put(Key, u8),
    Delete(Key),
    DeleteBelow(Key),
}

fn any_key() -> impl Strategy<Value = Key> {
    vec(prop::sample::select(vec!["a", "a-", "b", "/", "a0"]), 1..4).prop_map(|parts| key(&parts))
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (any_key(), 0u8..3).prop_map(|(key, number)| Act::Put(key, number)),
        2 => any_key().prop_map(Act::Delete),
        1 => any_key().prop_map(Act::DeleteBelow),
    ]
}

fn act(draft: &mut Draft<'_>, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Put(key, number) => draft.put(key.clone(), &object(json!({ "n": number }))),
            Act::Delete(key) => drop(draft.delete(key)),
            Act::DeleteBelow(key) => drop(draft.delete_below(key)),
        }
    }
}

/// The same, on a plain map.
fn act_plainly(rows: &mut BTreeMap<Key, String>, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Put(key, number) => drop(rows.insert(key.clone(), format!("{{\"n\":{number}}}"))),
            Act::Delete(key) => drop(rows.remove(key)),
            Act::DeleteBelow(prefix) => rows.retain(|key, _| !key.starts_with(&format!("{prefix}/"))),
        }
    }
}

proptest! {
    #[test]
    fn a_draft_shows_what_its_change_makes_and_undoing_it_leaves_nothing(
        drafts in vec(vec(any_act(), 0..12), 1..5),
        prefix in any_key(),
    ) {
        let (mut rows, mut plain) = (Definitions::default(), BTreeMap::new());
        let mut history = Vec::new();
        for (acts, revision) in drafts.iter().zip(1..) {
            let mut draft = rows.draft();
            act(&mut draft, acts);
            act_plainly(&mut plain, acts);
            let shown = [draft.list(""), draft.list(&prefix), draft.children(""), draft.children(&prefix)];
            let change = draft.finish(revision);
            let before = rows.clone();
            let undo = rows.apply(&change);
            history.push((before, undo));
            let as_plain: Vec<_> = rows.below("").map(|(key, text)| (key.clone(), text.to_string())).collect();
            prop_assert_eq!(as_plain, plain.clone().into_iter().collect::<Vec<_>>());
            let fresh = rows.draft();
            prop_assert_eq!(
                shown,
                [fresh.list(""), fresh.list(&prefix), fresh.children(""), fresh.children(&prefix)]
            );
            let one_down = |key: &Key| {
                key.strip_prefix(&*prefix).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| !rest.contains('/'))
            };
            prop_assert_eq!(
                keys(fresh.children(&prefix)),
                plain.keys().filter(|key| one_down(key)).map(|key| key.to_string()).collect::<Vec<_>>()
            );
        }
        for (before, undo) in history.into_iter().rev() {
            rows.apply(&undo);
            prop_assert_eq!(&rows, &before);
        }
    }

    #[test]
    fn segments_come_back(parts in vec(any::<String>(), 0..5)) {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let key = key(&parts);
        prop_assert_eq!(key.split('/').count(), parts.len().max(1));
        prop_assert_eq!(segments(&key), parts);
    }
}
