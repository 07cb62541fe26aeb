//! Which faces are one person's.
//!
//! Agglomerative clustering with average linkage: two groups are as far apart as the mean of the squared distances between
//! their faces. Groups that share a photo are never joined, as nobody is twice on one photo. The nearest-neighbour chain
//! (Benzécri 1982) finds the same groups as joining the nearest pair again and again, in quadratic time: forbidding a pair
//! only ever moves groups apart, so the linkage stays reducible.

use std::collections::BTreeSet;

use procession_domain::{
    PhotoId,
    album::{Guest, GuestFace},
    analysis::Face,
};

/// Groups are joined up to this root mean square distance of dlib's embeddings. dlib's own pair threshold is 0.6; on the
/// photos of tests/data/ORIGIN.md and their kind, one person's faces were up to 0.47 apart and two people's 0.53 or more.
const SAME_PERSON: f32 = 0.50;
/// A face whose detector was less sure than this joins guests but makes none alone.
const SURE: f32 = 0.7;
/// Nor does one that is less tall than this part of the photo: a passer-by.
const TALL: f32 = 0.04;

/// A face that may be a guest's.
#[derive(Clone, Copy, Debug)]
pub struct GuestCandidate<'a> {
    /// The photo that it is on.
    pub photo: PhotoId,
    /// Which of the photo's faces it is.
    pub index: usize,
    /// Where, and how it looks.
    pub face: &'a Face,
    /// What [`crate::Vision`] made of it: [`Face::embedding`], which the caller keeps apart. All are of one length.
    pub embedding: &'a [f32],
}

/// Faces that are one person's, with what the distance to other groups needs.
struct Group {
    members: Vec<usize>,
    photos: BTreeSet<PhotoId>,
    sum: Vec<f32>,
    squares: f32,
}

/// The guests of one gallery, by the number of their photos: "Guest 1" is on most. A guest is never twice on one photo, and
/// the order of `faces` changes nothing. A person on a single photo is a guest if the face is large and clear enough.
///
/// The time grows with the square of the number of faces.
pub fn group_guests(faces: &[GuestCandidate<'_>]) -> Vec<Guest> {
    let mut faces: Vec<&GuestCandidate<'_>> = faces.iter().filter(|face| !face.embedding.is_empty()).collect();
    faces.sort_by_key(|face| (face.photo, face.index));
    let alone = faces.iter().enumerate().map(|(index, face)| Group::of(index, face)).collect();
    let mut guests: Vec<Guest> = join(alone)
        .into_iter()
        .filter(|group| group.members.len() > 1 || group.members.iter().all(|&face| is_clear(faces[face].face)))
        .map(|group| guest(&group, &faces))
        .collect();
    Guest::rank(&mut guests);
    guests
}

impl Group {
    fn of(index: usize, face: &GuestCandidate<'_>) -> Self {
        Self {
            members: vec![index],
            photos: BTreeSet::from([face.photo]),
            sum: face.embedding.to_vec(),
            squares: face.embedding.iter().map(|value| value * value).sum(),
        }
    }

    /// The mean squared distance between the faces of both.
    fn distance(&self, other: &Self) -> f32 {
        let (mine, theirs) = (self.members.len() as f32, other.members.len() as f32);
        self.squares / mine + other.squares / theirs - 2.0 * product(&self.sum, &other.sum) / (mine * theirs)
    }

    fn shares_a_photo_with(&self, other: &Self) -> bool {
        self.photos.intersection(&other.photos).next().is_some()
    }

    fn absorb(&mut self, other: Self) {
        self.members.extend(other.members);
        self.photos.extend(other.photos);
        self.sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a += b);
        self.squares += other.squares;
    }
}

/// Joins groups until the nearest two are further apart than one person's faces are.
fn join(groups: Vec<Group>) -> Vec<Group> {
    let mut open: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut finished = Vec::new();
    let mut chain: Vec<usize> = Vec::new();
    while let Some(start) = open.iter().position(Option::is_some) {
        if chain.is_empty() {
            chain.push(start);
        }
        let Some(end) = chain.pop() else { break };
        let Some(group) = open[end].take() else { continue };
        let previous = chain.last().copied();
        match nearest(&group, &open, previous) {
            // Nothing that it may join is near, and nothing comes nearer by joining others: this group is done.
            None => finished.push(group),
            Some(next) if Some(next) == previous => {
                chain.pop();
                if let Some(into) = open[next].as_mut() {
                    into.absorb(group);
                }
            }
            Some(next) => {
                open[end] = Some(group);
                chain.extend([end, next]);
            }
        }
    }
    finished
}

/// The nearest open group that this one may join; of equals, the one before in the chain, then the first.
fn nearest(group: &Group, open: &[Option<Group>], previous: Option<usize>) -> Option<usize> {
    let (mut found, mut least) = (None, SAME_PERSON * SAME_PERSON);
    for (index, other) in open.iter().enumerate() {
        let Some(other) = other else { continue };
        let distance = group.distance(other);
        let nearer = distance < least || (distance == least && (found.is_none() || Some(index) == previous));
        if nearer && !group.shares_a_photo_with(other) {
            (found, least) = (Some(index), distance);
        }
    }
    found
}

/// The sum of products, in eight partial sums that the compiler keeps in one register.
fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn is_clear(face: &Face) -> bool {
    face.score >= SURE && face.region.height >= TALL
}

fn guest(group: &Group, faces: &[&GuestCandidate<'_>]) -> Guest {
    let member = |&member: &usize| {
        let GuestCandidate { photo, index, face, .. } = *faces[member];
        (GuestFace { photo, face: index, region: face.region }, face.portrait())
    };
    Guest::of(group.members.iter().map(member).collect())
}

#[cfg(test)]
mod tests;
