//! Standard streams: inherited, none, piped, given.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::thread;

use crossproc::process::{Stdio, builder, spawn};

use crate::support;

/// Upper case from standard input to standard output, and how much to standard error.
fn shout((): ()) -> usize {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).unwrap();
    print!("{}", text.to_uppercase());
    eprint!("{} bytes", text.len());
    io::stdout().flush().unwrap();
    text.len()
}

fn text(stream: Option<impl Read>) -> String {
    let mut text = String::new();
    stream.unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn piped_streams_are_at_the_child_s_handle() {
    guarded!();
    let child = builder()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn(shout, ()).unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    assert_eq!(text(child.stdout.take()), "HELLO");
    assert_eq!(text(child.stderr.take()), "5 bytes");
    assert_eq!(child.join(), Ok(5));
}

#[test]
fn joining_ends_the_input_and_drops_the_output() {
    guarded!();
    fn flood((): ()) -> usize {
        let read = shout(());
        // More than a pipe holds.
        io::stdout().write_all(&vec![b'x'; 1 << 20]).unwrap();
        io::stderr().write_all(&vec![b'x'; 1 << 20]).unwrap();
        read
    }
    let child = builder()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    assert_eq!(child.spawn(flood, ()).unwrap().join(), Ok(0));
}

#[test]
fn a_child_can_have_no_streams() {
    guarded!();
    let child = builder()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = child.spawn(
        |()| {
            let null = (0..3).map(|n| fs::read_link(format!("/proc/self/fd/{n}")).unwrap());
            (shout(()), null.collect::<Vec<_>>())
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok((0, vec!["/dev/null".into(); 3])));
}

#[test]
fn any_file_can_be_a_stream() {
    guarded!();
    let path = std::env::temp_dir().join(support::unique_name("crossproc-stream"));
    fs::write(&path, "from a file").unwrap();
    let (mut reader, writer) = io::pipe().unwrap();
    let child = builder()
        .stdin(File::open(&path).unwrap())
        .stdout(writer)
        .stderr(Stdio::null());
    fs::remove_file(&path).unwrap();
    let child = child.spawn(shout, ()).unwrap();
    let mut heard = String::new();
    // Ends, as nobody here holds the writing end.
    reader.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "FROM A FILE");
    assert_eq!(child.join(), Ok(11));
}

/// In a child, as the numbers of descriptors belong to processes.
#[test]
fn whatever_numbers_the_files_have_each_becomes_the_stream_it_is_given_as() {
    guarded!();
    fn crossed((): ()) {
        // Closed, so that the files opened next get their numbers, and those that the letter and the parcel will have in the child.
        // SAFETY: nothing in this process uses its standard streams from here on, except to fail loudly.
        unsafe { (0..2).for_each(|n| assert_eq!(libc::close(n), 0)) };
        let (input_of_child, mut input) = io::pipe().unwrap();
        let (mut output, output_of_child) = io::pipe().unwrap();
        let queues: Vec<_> = (0..20)
            .map(|_| crossproc::Queue::<u32>::new(4).unwrap())
            .collect();
        // The last to be opened has the lowest number that is free, and is wanted at another.
        fn answer(queues: Vec<crossproc::Queue<u32>>) -> usize {
            for (queue, n) in queues.iter().zip(0..) {
                queue.send(n).unwrap();
            }
            shout(())
        }
        let child = builder().stdout(output_of_child).stdin(input_of_child);
        let child = child.stderr(Stdio::null()).spawn(answer, queues.clone());
        input.write_all(b"crossed").unwrap();
        drop(input);
        let mut heard = String::new();
        output.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "CROSSED");
        assert_eq!(child.unwrap().join(), Ok(7));
        let received: Vec<_> = queues.iter().map(|queue| queue.recv().unwrap()).collect();
        assert_eq!(received, (0..20).collect::<Vec<_>>());
    }
    assert_eq!(spawn(crossed, ()).unwrap().join(), Ok(()));
}

#[test]
fn many_threads_with_pipes_do_not_hold_one_another_s() {
    guarded!();
    thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                for _ in 0..4 {
                    let child = builder().stdin(Stdio::piped()).stdout(Stdio::piped());
                    let mut child = child.stderr(Stdio::null()).spawn(shout, ()).unwrap();
                    let said = format!("thread {n}");
                    let mut stdin = child.stdin.take().unwrap();
                    stdin.write_all(said.as_bytes()).unwrap();
                    // The child's end of file, whoever was spawned meanwhile.
                    drop(stdin);
                    assert_eq!(text(child.stdout.take()), said.to_uppercase());
                    assert_eq!(child.join(), Ok(said.len()));
                }
            });
        }
    });
}

#[test]
fn a_pipe_whose_reader_is_gone_is_an_error_to_the_child_rather_than_its_end() {
    guarded!();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let child = builder().stdout(writer).spawn(
        |()| {
            io::stdout().write_all(&[b'x'; 1 << 16]).unwrap_err().kind()
                == io::ErrorKind::BrokenPipe
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(true));
}
