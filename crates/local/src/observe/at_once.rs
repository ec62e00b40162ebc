//! The same work for many things, several at once.

/// How many are worked on at once. Reading waits for the disk and for SQLite's open as much as for the processor.
const WORKERS: usize = 8;
/// Fewer than these for one worker are not worth a thread.
const LEAST_SHARE: usize = 4;

/// Does `work` for every item and returns the results in the items' order.
pub fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(WORKERS).max(LEAST_SHARE);
    if items.len() <= share {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<_>>()))
            .collect();
        let mut results = Vec::with_capacity(items.len());
        for worker in workers {
            results.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_the_order_stays() {
        for count in [0, 1, 4, 5, 16, 17, 64, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(at_once(&items, |item| item + 1), (1..=count).collect::<Vec<_>>());
        }
    }
}
