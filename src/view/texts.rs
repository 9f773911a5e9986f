//! Texts of a column, each kept once and known by its code. Code 0 is the empty text, which stands in missing rows.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// A dictionary that grows. Codes never change while it does.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    dictionary: Arc<Vec<Arc<str>>>,
    /// Codes by hash, in open addressing; [`FREE`] where there is none. A power of two, at most half full.
    slots: Vec<u32>,
    hasher: RandomState,
    text_bytes: u64,
}

const FREE: u32 = u32::MAX;

/// What an `Arc<str>` takes besides its text: the counts, and the pointer to it.
const BYTES_PER_TEXT: u64 = 32;

// === impl Texts ===

impl Texts {
    /// A dictionary with nothing but the empty text.
    pub(super) fn new() -> Self {
        let mut texts = Self {
            dictionary: Arc::new(Vec::new()),
            slots: vec![FREE; 16],
            hasher: RandomState::new(),
            text_bytes: 0,
        };
        texts.code("");
        texts
    }

    /// The code of a text, which is added if it is new.
    ///
    /// # Panics
    /// Beyond 4 billion different texts; the memory allowed ends long before.
    pub(super) fn code(&mut self, text: &str) -> u32 {
        let slot = self.slot(text);
        if self.slots[slot] != FREE {
            return self.slots[slot];
        }
        let code = u32::try_from(self.dictionary.len()).expect("fewer texts than fit the memory allowed");
        self.slots[slot] = code;
        self.text_bytes += text.len() as u64 + BYTES_PER_TEXT;
        Arc::make_mut(&mut self.dictionary).push(Arc::from(text));
        if self.dictionary.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    /// The texts by code.
    pub(super) fn dictionary(&self) -> &Arc<Vec<Arc<str>>> {
        &self.dictionary
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.text_bytes + self.slots.len() as u64 * 4
    }

    /// Where the text is, or would be.
    fn slot(&self, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        // The mask keeps what is lost here from mattering.
        #[allow(clippy::cast_possible_truncation)]
        let mut slot = self.hasher.hash_one(text) as usize & mask;
        loop {
            let code = self.slots[slot];
            if code == FREE || &*self.dictionary[code as usize] == text {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![FREE; self.slots.len() * 2];
        for code in 0..self.dictionary.len() {
            let text = Arc::clone(&self.dictionary[code]);
            let slot = self.slot(&text);
            self.slots[slot] = u32::try_from(code).expect("checked when it was added");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_once() {
        let mut texts = Texts::new();
        assert_eq!(texts.code(""), 0);
        let words: Vec<String> = (0..1000).map(|number| format!("word {number}")).collect();
        let codes: Vec<u32> = words.iter().map(|word| texts.code(word)).collect();
        for (word, code) in words.iter().zip(&codes) {
            assert_eq!(texts.code(word), *code);
            assert_eq!(&*texts.dictionary()[*code as usize], word.as_str());
        }
        assert_eq!(texts.dictionary().len(), 1001);
    }

    #[test]
    fn a_dictionary_that_somebody_reads_does_not_change() {
        let mut texts = Texts::new();
        let before = Arc::clone(texts.dictionary());
        texts.code("new");
        assert_eq!(before.len(), 1);
        assert_eq!(texts.dictionary().len(), 2);
    }
}
