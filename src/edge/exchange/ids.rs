//! What a request is called: AWS's ids, and the random numbers that they are made of.

/// What a request is called: by AWS's three kinds of id.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// A UUID; the client's own where it sent one (rest/05 section 5.9).
    pub request: [u8; 36],
    /// Fifteen base64 digits and `=`; always ours.
    pub extended: [u8; 16],
    /// `1-{8 hex}-{24 hex}`, of a trace that we began. A client's own stands in its header.
    pub trace_root: [u8; 35],
}

impl Default for Ids {
    fn default() -> Self {
        Self { request: [b'0'; 36], extended: [b'0'; 16], trace_root: [b'0'; 35] }
    }
}

/// One core's random numbers for ids: unique and unguessable enough to tell requests apart, never a secret.
pub struct IdSource {
    state: u64,
    step: u64,
}

impl IdSource {
    /// Seeded from the system, so that no two cores or processes make the same ids.
    pub fn new(seed: [u8; 16]) -> Self {
        let half = |at: usize| seed.iter().skip(at).take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        Self { state: half(0), step: half(8) | 1 }
    }

    /// SplitMix64 with a secret odd step (Steele, Lea, Flood 2014): every state is met before one comes again.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(self.step);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One number, for what is left to chance.
    pub fn draw(&mut self) -> u64 {
        self.next()
    }

    /// Ids of one request. `client` is what it sent as `x-amzn-RequestId`.
    pub fn ids(&mut self, client: Option<&[u8]>, hex_second: &[u8; 8]) -> Ids {
        let mut ids = Ids::default();
        match client.and_then(uuid) {
            Some(own) => ids.request = own,
            None => write_uuid(self.next(), self.next(), &mut ids.request),
        }
        let (first, second) = (self.next(), self.next());
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (at, place) in ids.extended[..15].iter_mut().enumerate() {
            let bits = if at < 10 { first >> (6 * at) } else { second >> (6 * (at - 10)) };
            *place = DIGITS[(bits & 63) as usize];
        }
        ids.extended[15] = b'=';
        ids.trace_root[..2].copy_from_slice(b"1-");
        ids.trace_root[2..10].copy_from_slice(hex_second);
        ids.trace_root[10] = b'-';
        write_hex(self.next(), &mut ids.trace_root[11..27]);
        write_hex(second, &mut ids.trace_root[27..35]);
        ids
    }
}

fn uuid(text: &[u8]) -> Option<[u8; 36]> {
    let uuid: [u8; 36] = text.try_into().ok()?;
    let sound = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    sound.then_some(uuid)
}

/// RFC 9562 section 5.4: version 4, variant 10.
fn write_uuid(high: u64, low: u64, into: &mut [u8; 36]) {
    let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    write_hex(high >> 32, &mut into[..8]);
    into[8] = b'-';
    write_hex(high >> 16, &mut into[9..13]);
    into[13] = b'-';
    write_hex(high, &mut into[14..18]);
    into[18] = b'-';
    write_hex(low >> 48, &mut into[19..23]);
    into[23] = b'-';
    write_hex(low, &mut into[24..36]);
}

/// The lowest digits of a number that fit.
fn write_hex(number: u64, into: &mut [u8]) {
    let digits = into.len();
    for (at, place) in into.iter_mut().enumerate() {
        *place = b"0123456789abcdef"[(number >> (4 * (digits - 1 - at)) & 15) as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_aws_s() {
        let mut source = IdSource::new([7; 16]);
        let ids = source.ids(None, b"671a4f63");
        let uuid_text = String::from_utf8_lossy(&ids.request).into_owned();
        assert!(uuid(&ids.request).is_some(), "{uuid_text}");
        assert_eq!(uuid_text.as_bytes()[14], b'4');
        assert!(matches!(uuid_text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert!(ids.extended.ends_with(b"=") && !ids.extended[..15].contains(&b'='));
        assert!(ids.trace_root.starts_with(b"1-671a4f63-"), "{:?}", ids.trace_root);
        assert_ne!(source.ids(None, b"671a4f63").request, ids.request);
    }

    #[test]
    fn a_client_may_name_its_request() {
        let mut source = IdSource::new([1; 16]);
        let own = b"3d4a9c7e-1111-4222-8333-444455556666";
        assert_eq!(&source.ids(Some(own), b"00000000").request, own);
        assert_ne!(&source.ids(Some(b"3d4a9c7e-1111-4222-8333-44445555666\""), b"00000000").request, own);
    }
}
