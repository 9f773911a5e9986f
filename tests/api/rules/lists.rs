//! Lists: every item once and in order, whatever the size of pages and whatever is written meanwhile; filters, orders,
//! tokens.

use prost_reflect::{DynamicMessage, Kind, ReflectMessage, Value};

use super::{
    Front, Refusal, Subject, World,
    world::{TEAM, refused, set, text},
};

/// A page: the names on it, and the token of the next.
type Page = (Vec<String>, String);

/// Proves what holds when records are listed.
pub async fn prove<F: Front>(world: &World<F>, subject: &Subject) {
    if subject.create.is_none() {
        let (names, _) = page(world, subject, 0, "", "", "").await.unwrap();
        assert!(names.is_sorted());
        return;
    }
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(text(&world.make(subject).await, "name"));
    }
    let (all, token) = page(world, subject, 1000, "", "", "").await.unwrap();
    assert!(token.is_empty() && all.is_sorted() && made.iter().all(|name| all.contains(name)), "{all:?}");
    for size in [1, 2, 7] {
        assert_eq!(pages(world, subject, size, "", "").await, all, "pages of {size}");
    }
    let mut backwards = all.clone();
    backwards.reverse();
    assert_eq!(pages(world, subject, 2, "", "name desc").await, backwards);
    assert_eq!(pages(world, subject, 3, "", "create_time, name").await.len(), all.len());

    let one = format!("name = \"{}\"", made[0]);
    assert_eq!(pages(world, subject, 2, &one, "").await, [made[0].clone()]);
    let others = format!("name <> \"{}\"", made[0]);
    let rest: Vec<String> = all.iter().filter(|name| **name != made[0]).cloned().collect();
    assert_eq!(pages(world, subject, 2, &others, "").await, rest);
    assert_eq!(pages(world, subject, 2, &others, "name").await, rest);
    // As conditions of measures, over several lines.
    assert_eq!(pages(world, subject, 2, &one.replace(" = ", "\n\t= "), "").await, [made[0].clone()]);
    let example = example(subject);
    page(world, subject, 1, &example, "", "")
        .await
        .unwrap_or_else(|refusal| panic!("{example}: {refusal:?}"));
    refuses(world, subject, &one).await;
    meanwhile(world, subject).await;
}

/// The condition that the contract gives as an example, in the comment of the field.
fn example(subject: &Subject) -> String {
    let filter =
        subject.list.as_ref().unwrap().input().get_field_by_name("filter").expect("lists are filtered");
    let file = filter.parent_file();
    let source = file.file_descriptor_proto().source_code_info.as_ref().expect("comments are compiled in");
    let place = source.location.iter().find(|place| place.path == filter.path()).expect("it has a place");
    let parts: Vec<&str> = place.leading_comments().split('`').collect();
    assert!(parts.len() >= 3, "{} has an example", filter.full_name());
    parts[1].to_owned()
}

async fn refuses<F: Front>(world: &World<F>, subject: &Subject, filter: &str) {
    let refused = |answer: Result<Page, Refusal>, reason: &str, field: &str| {
        let answer = answer.map(|_| DynamicMessage::new(subject.schema.message.clone()));
        refused(answer, reason, field, &subject.schema.collection)
    };
    let wrong =
        refused(page(world, subject, 0, "nothing_known = 1", "", "").await, "INVALID_FILTER", "filter");
    assert!(wrong.message.contains("column 1"), "says where: {wrong:?}");
    refused(page(world, subject, 0, "name", "", "").await, "INVALID_FILTER", "filter");
    refused(page(world, subject, 0, "name = ", "", "").await, "INVALID_FILTER", "filter");
    if let Some((path, values)) =
        subject.schema.fields.iter().find_map(|(path, field)| Some((path, field.values()?)))
    {
        let never = format!("{path} <> \"NEVER_THAT\"");
        let wrong = refused(page(world, subject, 0, &never, "", "").await, "INVALID_FILTER", "filter");
        assert!(wrong.message.contains(&values.join(", ")), "says what there is: {wrong:?}");
    }
    // No text is empty: it is missing.
    let empty = refused(page(world, subject, 0, "name = \"\"", "", "").await, "INVALID_FILTER", "filter");
    assert!(empty.message.contains("ISMISSING"), "{empty:?}");
    let unordered = refused(page(world, subject, 0, "", "nothing", "").await, "INVALID_FILTER", "order_by");
    if let Some(map) = subject.schema.fields.values().find(|field| field.map) {
        let entries = format!("{}.{{key}}", map.path);
        assert!(unordered.message.contains(&entries), "what is said to be accepted is: {unordered:?}");
        let whole = refused(page(world, subject, 0, "", &map.path, "").await, "INVALID_FILTER", "order_by");
        assert!(whole.message.contains(&entries), "{whole:?}");
        page(world, subject, 1, "", &format!("{}.level", map.path), "").await.unwrap();
    }
    refused(page(world, subject, 0, "", "name sideways", "").await, "INVALID_FILTER", "order_by");
    refused(page(world, subject, -1, "", "", "").await, "INVALID_FIELD", "page_size");
    let (_, token) = page(world, subject, 1, "", "", "").await.unwrap();
    refused(page(world, subject, 1, filter, "", &token).await, "INVALID_PAGE_TOKEN", "page_token");
    refused(page(world, subject, 1, "", "name desc", &token).await, "INVALID_PAGE_TOKEN", "page_token");
    refused(page(world, subject, 1, "", "", "nonsense").await, "INVALID_PAGE_TOKEN", "page_token");
    let method = subject.list.as_ref().unwrap();
    if !subject.is_team() {
        let mut request = DynamicMessage::new(method.input());
        for (parent, reason) in
            [("teams/nobody", "NOT_FOUND"), ("nobody", "INVALID_NAME"), ("", "INVALID_FIELD")]
        {
            set(&mut request, "parent", parent);
            super::world::refused(world.call(method, &request).await, reason, "parent", parent);
        }
    }
}

/// What is written between two pages neither repeats nor hides the others.
async fn meanwhile<F: Front>(world: &World<F>, subject: &Subject) {
    let (all, _) = page(world, subject, 1000, "", "", "").await.unwrap();
    let (first, token) = page(world, subject, 2, "", "", "").await.unwrap();
    assert_eq!(first, all[..2]);
    if let Some(delete) = &subject.delete {
        // May be referred to by others: then it stays, which is as good.
        let _ = world.call_named(delete, &first[1], &[]).await;
    }
    let new = text(&world.make(subject).await, "name");
    let (rest, _) = page(world, subject, 1000, "", "", &token).await.unwrap();
    let rest: Vec<String> = rest.into_iter().filter(|name| *name != new).collect();
    assert_eq!(rest, all[2..]);
}

/// All items, page by page.
async fn pages<F: Front>(
    world: &World<F>,
    subject: &Subject,
    size: i32,
    filter: &str,
    order: &str,
) -> Vec<String> {
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = page(world, subject, size, filter, order, &token).await.unwrap();
        assert!(page.len() <= usize::try_from(size).unwrap());
        names.extend(page);
        if next.is_empty() {
            return names;
        }
        token = next;
    }
}

async fn page<F: Front>(
    world: &World<F>,
    subject: &Subject,
    size: i32,
    filter: &str,
    order: &str,
    token: &str,
) -> Result<Page, Refusal> {
    let method = subject.list.as_ref().expect("everything can be listed");
    let mut request = DynamicMessage::new(method.input());
    if !subject.is_team() {
        set(&mut request, "parent", TEAM);
    }
    request.set_field_by_name("page_size", Value::I32(size));
    set(&mut request, "filter", filter);
    set(&mut request, "order_by", order);
    set(&mut request, "page_token", token);
    let answer = world.call(method, &request).await?;
    let items = answer
        .descriptor()
        .fields()
        .find(|field| matches!(field.kind(), Kind::Message(message) if message == subject.schema.message))
        .expect("a list answers items");
    let names = answer
        .get_field(&items)
        .as_list()
        .expect("items are a list")
        .iter()
        .map(|item| text(item.as_message().expect("an item is a message"), "name"))
        .collect();
    Ok((names, text(&answer, "next_page_token")))
}
