"""Who has consented to what: whose face it is, and why a look-up refuses."""

from __future__ import annotations

import re
import shlex
from datetime import date

import numpy as np
import pytest

from semblance.errors import FaceError, InputError, Refused
from semblance.faces import identity
from semblance.trust import consent as module
from semblance.trust.consent import (
    MATCH,
    Consent,
    File,
    Permission,
    add,
    entries,
    entry_of,
    history,
    look_up,
    matches,
    note_use,
    others_in_force,
    require,
    revoke,
    terms,
)
from semblance.trust.ledger import Ledger, check_all, open_ledger

TODAY = date(2026, 6, 1)
CLIP = File("anna.mp4", "ab" * 32)


def person(number: int) -> np.ndarray:
    """(128,): where a made-up person's vectors lie; two of them are about 0.85 apart, like real people's."""
    vector = np.random.default_rng(number).standard_normal(128)
    return 0.6 * vector / np.linalg.norm(vector)


def faces(middle: np.ndarray, seed: int = 0, count: int = 30) -> np.ndarray:
    """(count, 128): a clip of the person there, each face 0.12 from the middle, as in real clips."""
    off = np.random.default_rng(seed).standard_normal((count, 128))
    return (middle + 0.12 * off / np.linalg.norm(off, axis=1, keepdims=True)).astype(np.float32)


def at(middle: np.ndarray, distance: float) -> np.ndarray:
    """A place so far from `middle`."""
    way = np.random.default_rng(99).standard_normal(128)
    return middle + distance * way / np.linalg.norm(way)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "consent.db", make=True) as opened:
        yield opened


def entered(ledger: Ledger, middle: np.ndarray, name: str = "Anna Example", **words) -> Consent:
    return add(ledger, terms(name, "I agree.", today=TODAY, **words), [CLIP], faces(middle, seed=1))


def asked(ledger: Ledger, middle: np.ndarray, **words) -> Consent:
    return look_up(ledger, faces(middle, seed=2), ["my clips/a.mp4"], today=TODAY, **words)


def refused(ledger: Ledger, middle: np.ndarray, **words) -> str:
    with pytest.raises(Refused) as told:
        asked(ledger, middle, **words)
    assert told.value.exit_code == 3 and "\n" not in str(told.value)
    return str(told.value)


def test_who_consented_is_found_among_others_and_nobody_else_is(ledger):
    added = [entered(ledger, person(k), f"person {k}") for k in range(5)]
    for k in range(5):
        assert asked(ledger, person(k)) == added[k]
    assert "Nobody in the consent ledger" in refused(ledger, person(7))
    assert len({consent.id for consent in added}) == 5
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", consent.id) for consent in added)


def test_the_command_in_a_refusal_is_the_one_that_would_add_it(ledger):
    for words, flags in (
        ({}, []),
        ({"scope": "voice", "project": "North Sea"}, ["--scope", "voice", "--project", "North Sea"]),
    ):
        told = refused(ledger, person(1), **words)
        command = shlex.split(re.search("`(.*)`", told).group(1))
        clip = ["--clip", "my clips/a.mp4"]
        assert command == [
            "semblance", "consent", "add", "--person", "NAME", *clip, *flags, "--statement", "...",
        ]  # fmt: skip


def test_why_not_is_told_and_the_name_is_not(ledger):
    entered(ledger, person(1), scope="voice")
    entered(ledger, person(2), project="North Sea")
    expired = entered(ledger, person(3), expires="2026-06-01")
    ended = entered(ledger, person(4))
    revoke(ledger, ended.id.lower(), "no more")
    told = [refused(ledger, person(k)) for k in (1, 2, 4)]
    assert "covers voice, not face" in told[0]
    assert "is for project 'North Sea'" in told[1]
    assert f"Consent {ended.id}" in told[2] and "was revoked on 20" in told[2]
    assert asked(ledger, person(3)) == expired  # the last day is included
    with pytest.raises(Refused, match="ended on 2026-06-01"):
        look_up(ledger, faces(person(3)), ["a.mp4"], today=date(2026, 6, 2))
    assert all("consent add --person NAME" in sentence and "Anna" not in sentence for sentence in told)
    assert "not for 'South'" in refused(ledger, person(2), project="South")


def test_scope_and_project_that_are_covered_are_granted(ledger):
    both = entered(ledger, person(1), scope=" voice, face ")
    assert both.terms.scope == ("face", "voice")
    assert asked(ledger, person(1), scope="voice", project="whatever") == both
    one = entered(ledger, person(2), project="North  Sea")
    assert asked(ledger, person(2), project="north sea") == one


def test_a_consent_in_force_wins_over_an_ended_one_of_the_same_person(ledger):
    first = entered(ledger, person(1))
    revoke(ledger, first.id)
    assert "was revoked" in refused(ledger, person(1))
    again = entered(ledger, at(person(1), 0.2))  # renewed, with another clip
    assert asked(ledger, person(1)) == again
    assert others_in_force(ledger, first, TODAY) == [again]
    revoke(ledger, again.id)
    assert again.id in refused(ledger, person(1))  # the latest word is told


def test_a_revoked_face_is_not_let_through_by_somebody_who_looks_alike(ledger):
    mine = entered(ledger, person(1), "Anna Example")
    alike = entered(ledger, at(person(1), 0.35), "Bea Example")
    assert asked(ledger, person(1)) == mine
    revoke(ledger, mine.id)
    assert [match.consent.id for match in matches(ledger, faces(person(1)))] == [mine.id, alike.id]
    assert f"{mine.id} of the person in" in refused(ledger, person(1))
    assert asked(ledger, at(person(1), 0.35)) == alike  # who is still let through herself


def test_the_same_face_under_another_name_counts_as_the_same_person(ledger):
    mine = entered(ledger, person(1), "Anna Example")
    other = entered(ledger, person(1), "A. Example")
    revoke(ledger, mine.id)
    assert asked(ledger, person(1)) == other


def test_how_near_is_near_enough(ledger):
    entered(ledger, person(1))
    assert asked(ledger, at(person(1), MATCH - 0.05)).terms.person == "Anna Example"
    assert "Nobody" in refused(ledger, at(person(1), MATCH + 0.05))
    assert MATCH < identity.SAME_PERSON == module._SAME_PERSON


def test_faces_of_somebody_else_among_the_persons_are_refused(ledger):
    consent = entered(ledger, person(1))
    mixed = np.concatenate([faces(person(1), seed=3, count=21), faces(person(2), seed=3, count=9)])
    with pytest.raises(Refused, match=rf"{consent.id} is for one person, but 30% of the faces in a.mp4"):
        look_up(ledger, mixed, ["a.mp4"])
    odd = np.concatenate([faces(person(1), seed=3, count=27), faces(person(2), seed=3, count=3)])
    assert look_up(ledger, odd, ["a.mp4"]) == consent


def test_a_clip_in_which_the_person_mostly_looks_away_is_still_theirs(ledger):
    consent = entered(ledger, person(1))
    turned = np.concatenate([faces(person(1), seed=3, count=12), faces(at(person(1), 0.52), seed=3, count=18)])
    assert look_up(ledger, turned, ["a.mp4"]) == consent


def test_an_entry_remembers_all_sides_of_a_face(ledger):
    """A clip in two lights 0.6 apart: either alone is found, though the mean is far from both."""
    way = at(np.zeros(128), 0.3)
    both = np.concatenate([faces(person(1) + way, seed=4), faces(person(1) - way, seed=5)])
    consent = add(ledger, terms("Anna", "I agree."), [CLIP], both)
    for side in (way, -way):
        found = matches(ledger, faces(person(1) + side, seed=6))
        assert found[0].consent == consent and found[0].distance < 0.25


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"person": " "}, "no person"),
        ({"person": "A\x1b[2J"}, "name of a person"),
        ({"person": "caf\udce9"}, "not UTF-8"),
        ({"statement": "\n "}, "no statement"),
        ({"statement": "x" * 20_001}, "20001 letters"),
        ({"statement": "I\x1b agree"}, "cannot be printed"),
        ({"scope": "fase"}, "no scope 'fase'. Did you mean 'face'?"),
        ({"scope": "face;voice"}, "no scope"),
        ({"scope": ","}, "covers nothing"),
        ({"expires": "soon"}, "no date"),
        ({"expires": "30.06.2027"}, "no date"),
        ({"expires": "2026-05-31"}, "past"),
    ],
)
def test_words_that_cannot_be_a_consent_are_one_sentence(words, message):
    with pytest.raises(InputError) as told:
        terms(**{"person": "Anna", "statement": "I agree.", "today": TODAY, **words})
    assert message in str(told.value) and "\n" not in str(told.value)


def test_what_is_no_identity_vector_is_refused(ledger):
    with pytest.raises(FaceError, match=r"a.mp4 shows no face"):
        look_up(ledger, np.zeros((0, 128)), ["a.mp4"])
    for bad in (np.zeros((3, 5)), np.full((3, 128), np.nan), np.zeros(128)):
        with pytest.raises(InputError, match="Identity vectors"):
            look_up(ledger, bad, ["a.mp4"])
    apart = np.stack([person(k) for k in range(9)]) * 2
    with pytest.raises(FaceError, match="differ too much"):
        add(ledger, terms("Anna", "I agree."), [CLIP], apart)
    assert ledger.events == []


def test_a_look_up_does_not_trust_a_face_that_was_changed(ledger):
    """The stranger's vectors are put in the place of Anna's, triggers and all."""
    entered(ledger, person(1))
    ledger.connection.execute("DROP TRIGGER means_update")
    ledger.connection.execute("UPDATE means SET vector = ?", (person(2).astype("<f4").tobytes(),))
    with pytest.raises(InputError, match=r"event 1 \(added, entry"):
        asked(ledger, person(2))


def test_uses_stand_in_the_history_until_the_consent_is_revoked(ledger):
    consent = entered(ledger, person(1))
    event = note_use(ledger, consent.id, "cd" * 32, "face swap")
    assert event.number == 2 and event.kind == "used"
    revoke(ledger, consent.id, "no more")
    with pytest.raises(Refused, match="nothing more may leave"):
        note_use(ledger, consent.id, "cd" * 32, "face swap")
    with pytest.raises(InputError, match="was revoked on"):
        revoke(ledger, consent.id)
    told = [(event["kind"], event["note"]) for event in history(ledger, consent.id)]
    assert told == [("added", ""), ("used", "face swap " + "cd" * 32), ("revoked", "no more")]
    assert entry_of(ledger, consent.id).state().startswith("revoked 20")
    check_all(ledger)


@pytest.mark.parametrize("digest", ["", "cd" * 31, "CD" * 32, "xy" * 32])
def test_a_use_needs_the_hash_of_its_output(ledger, digest):
    consent = entered(ledger, person(1))
    with pytest.raises(InputError, match="no sha256"):
        note_use(ledger, consent.id, digest, "face swap")


def test_a_revocation_that_comes_while_a_clip_is_made_counts(ledger):
    consent = entered(ledger, person(1))
    with open_ledger(ledger.path) as theirs:
        revoke(theirs, consent.id)
    with pytest.raises(Refused, match="was revoked"):
        note_use(ledger, consent.id, "cd" * 32, "face swap")


def test_an_unknown_id_is_told_with_the_nearest(ledger):
    consent = entered(ledger, person(1))
    near = ("0" if consent.id[0] != "0" else "1") + consent.id[1:]
    with pytest.raises(InputError, match=rf"no consent '{near}' .* Did you mean '{consent.id}'\?"):
        entry_of(ledger, near)
    spoken = consent.id.lower().replace("0", "o").replace("1", "l")
    assert entry_of(ledger, f" {spoken[:4]}-{spoken[4:]} ") == consent


def test_a_headers_permission_is_looked_up_by_its_ids(ledger):
    consent = entered(ledger, person(1), expires="2027-06-30")
    permission = Permission("ledger", (consent.id,))
    assert permission.as_json() == {"consent": [consent.id], "kind": "ledger"}
    assert Permission.from_json(permission.as_json()) == permission
    assert Permission.from_json({"consent": [], "kind": "synthetic"}) == Permission("synthetic")
    assert require(ledger, consent.id, today=TODAY) == consent
    with pytest.raises(Refused, match="covers face, not voice"):
        require(ledger, consent.id, scope="voice", today=TODAY)
    with pytest.raises(Refused, match="ended on 2027-06-30"):
        require(ledger, consent.id, today=date(2027, 7, 1))


@pytest.mark.parametrize(
    "header",
    [None, {}, {"consent": [], "kind": "ledger"}, {"consent": ["A"], "kind": "synthetic"}, {"consent": ["A"]},
     {"consent": "A", "kind": "ledger"}, {"consent": [7], "kind": "ledger"}, {"consent": ["A"], "kind": "none"}],
)  # fmt: skip
def test_a_header_without_a_permission_is_told(header):
    with pytest.raises(InputError, match="permission"):
        Permission.from_json(header)


def test_entries_come_in_order_with_all_that_was_said(ledger):
    paper = File("paper.pdf", "12" * 32)
    first = entered(ledger, person(1), "Änne  Beispiel", project="North Sea", expires="2027-06-30", evidence=paper)
    second = entered(ledger, person(2), scope="voice")
    revoke(ledger, second.id, "no more")
    found = entries(ledger)
    assert found[0] == first and found[0].terms.person == "Änne Beispiel" and found[0].terms.evidence == paper
    assert found[0].clips == (CLIP,) and found[0].software.startswith("Semblance ")
    assert [one.state(TODAY) for one in found] == ["in force", f"revoked {found[1].revoked[:10]}"]
    assert found[1].reason == "no more" and found[0].state(date(2027, 7, 1)) == "expired 2027-06-30"
