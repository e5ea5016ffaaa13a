"""Signs browsers in and out."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hubs.models import SignIn, User, now


def digest_of(key: str) -> str:
    """Return the hash of a browser's key, which is what the table stores."""
    return hashlib.sha256(key.encode()).hexdigest()


def start(session: Session, user: User, lifetime: int, provider_session: str = "", id_token: str = "") -> str:
    """Sign a browser in for at most ``lifetime`` seconds; return the key for its cookie, which is not stored."""
    session.execute(delete(SignIn).where(SignIn.expires_on < now()))
    key = secrets.token_urlsafe(32)
    row = SignIn(digest=digest_of(key), user_id=user.id, expires_on=now() + timedelta(seconds=lifetime))
    row.provider_session, row.id_token = provider_session[:255], id_token
    session.add(row)
    session.flush()
    return key


def end(session: Session, key: str) -> str:
    """Sign a browser out; return the ID token for signing out at the provider, if there is one."""
    row = session.get(SignIn, digest_of(key))
    if row is None:
        return ""
    id_token = row.id_token
    session.delete(row)
    session.flush()
    return id_token


def end_all(session: Session, user_id: int, but: str = "") -> int:
    """Sign a person out in all browsers except the one with the key ``but``; return how many those were."""
    rows = session.scalars(select(SignIn).where(SignIn.user_id == user_id, SignIn.digest != digest_of(but))).all()
    for row in rows:  # not by a bulk statement: flushed rows invalidate cached pages and revoke streams
        session.delete(row)
    session.flush()
    return len(rows)


def end_at_provider(session: Session, issuer: str, subject: str, provider_session: str) -> list[int]:
    """Sign out the browsers of a session at the provider, or of a person; return the ids of the people."""
    query = select(SignIn).join(User).where(User.issuer == issuer)
    if provider_session:
        query = query.where(SignIn.provider_session == provider_session)
    if subject:
        query = query.where(User.subject == subject)
    rows = session.scalars(query).all() if provider_session or subject else []
    for row in rows:
        session.delete(row)
    session.flush()
    return sorted({row.user_id for row in rows})
