//! Keys from a passphrase, by Argon2id.

use super::{KeyError, KeyFile};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use keyshoal_core::Secret;
use zeroize::{Zeroize, Zeroizing};

/// How a passphrase becomes a key. It is stored in the clear beside what the key seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passphrase {
    salt: [u8; 16],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Passphrase {
    /// RFC 9106, section 4, the second recommended option: 64 MiB, three passes, four lanes.
    const RECOMMENDED: (u32, u32, u32) = (64 * 1024, 3, 4);
    /// More is refused: whoever can write the parameters could otherwise make us use up all memory.
    const MOST: (u32, u32, u32) = (1024 * 1024, 16, 16);

    /// Chooses a random salt and the recommended costs.
    pub fn recommended() -> Result<Self, KeyError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| KeyError::Random(error.to_string()))?;
        let (memory_kib, passes, lanes) = Self::RECOMMENDED;
        Ok(Self { salt, memory_kib, passes, lanes })
    }

    /// Takes stored parameters: salt, memory in KiB, passes, lanes. Costs that no keyshoal would choose are refused.
    pub fn new(salt: [u8; 16], memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, KeyError> {
        let most = Self::MOST;
        if memory_kib > most.0 || passes > most.1 || lanes > most.2 {
            return Err(KeyError::Costs { memory_kib, passes, lanes });
        }
        Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| KeyError::Costs {
            memory_kib,
            passes,
            lanes,
        })?;
        Ok(Self { salt, memory_kib, passes, lanes })
    }

    /// Returns the salt.
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// Returns memory in KiB, passes and lanes.
    pub fn costs(&self) -> (u32, u32, u32) {
        (self.memory_kib, self.passes, self.lanes)
    }

    /// Makes the key. It takes the better part of a second and tens of megabytes, on purpose.
    pub fn key(&self, passphrase: &Secret) -> Result<KeyFile, KeyError> {
        let (memory_kib, passes, lanes) = self.costs();
        let costs = || KeyError::Costs { memory_kib, passes, lanes };
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| costs())?;
        let mut memory = vec![Block::default(); params.block_count()];
        let mut key = Zeroizing::new([0; 32]);
        let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
            passphrase.reveal_secret().as_bytes(),
            &self.salt,
            &mut *key,
            &mut memory,
        );
        memory.iter_mut().for_each(Zeroize::zeroize);
        made.map_err(|_| costs())?;
        Ok(KeyFile::from_bytes(*key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{AssociatedData, ParamsBuilder};

    /// RFC 9106, section 5.3: it has a secret and associated data, which we use none of; the same code makes both.
    #[test]
    fn argon2id_matches_the_published_vector() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .output_len(32)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let secret = [3; 8];
        let hasher = Argon2::new_with_secret(&secret, Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        hasher.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    }

    #[test]
    fn salt_passphrase_and_costs_all_count() {
        let key = |salt, passes, text: &str| {
            let how = Passphrase::new([salt; 16], 64, passes, 1).unwrap();
            how.key(&Secret::new(text)).unwrap().seal_key().id()
        };
        let one = key(1, 1, "correct horse");
        assert_eq!(one, key(1, 1, "correct horse"));
        for other in [key(2, 1, "correct horse"), key(1, 2, "correct horse"), key(1, 1, "correct horses")] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn costs_that_would_use_up_the_machine_are_refused() {
        for (memory, passes, lanes) in [(u32::MAX, 1, 1), (64, 17, 1), (1024, 1, 17), (0, 1, 1), (64, 0, 1)] {
            assert!(matches!(Passphrase::new([0; 16], memory, passes, lanes), Err(KeyError::Costs { .. })));
        }
    }
}
