use crate::{Manager, Queue};

#[test]
fn a_queue_does_not_inherit_what_was_announced_for_another() {
    let manager = Manager::new().unwrap();
    let create = |name| {
        let options = Queue::<u64>::options().capacity(4);
        manager.create_object(name, &options).unwrap()
    };
    let number = |name| {
        let record = manager.directory.look(name).unwrap();
        record.unwrap().announced
    };
    let first = create("first");
    let its_number = number("first");
    first.send(1).unwrap();
    drop(first);
    manager.remove_object("first").unwrap();
    // This thread still has the announcement in its record, though the queue is gone.
    let second = create("second");
    assert_ne!(number("second"), its_number);
    // It announces something else.
    second.send(2).unwrap();
    create("third");
    assert_eq!(number("third"), its_number);
}
