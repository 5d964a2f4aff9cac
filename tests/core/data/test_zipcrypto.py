"""The lane-wise cipher against the standard library's byte-wise one."""

import zipfile

import numpy as np
import pytest

from rvernet_core.data import zipcrypto


def standard(member, password):
    """zipfile's own decrypter (a private name, so only here)."""
    return zipfile._ZipDecrypter(password)(member)[zipcrypto.HEADER :]


@pytest.mark.parametrize("password", [b"LARCdataset9947", b"", b"\xff\x00\x80"])
def test_many_members_at_once(password):
    """Decryption is defined for any bytes, so random ones will do."""
    rng = np.random.default_rng(1)
    members = [rng.bytes(zipcrypto.HEADER + int(n)) for n in rng.integers(0, 2000, 50)] + [rng.bytes(12)]
    assert zipcrypto.decrypt(members, password) == [standard(member, password) for member in members]
    assert zipcrypto.decrypt(members[:1], password) == [standard(members[0], password)]
    assert zipcrypto.decrypt([], password) == []
