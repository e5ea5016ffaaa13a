"""Who is in a hub: owners and members, searched, filtered and in pages."""

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from hubs.models import Hub, Role, RoleName, User
from hubs.permissions import INSIDE, Person, can
from hubs.search.query import MOST_LETTERS, read

#: Entries on one page, and the last page that is read.
PER_PAGE = 50
LAST_PAGE = 10_000


@dataclass(frozen=True)
class Filters:
    """What a list of people is limited to; unknown roles mean all, and pages beyond the last one are empty."""

    typed: str = ""
    role: str = ""
    page: int = 1

    @classmethod
    def of(cls, typed: str, role: str, page: int) -> "Filters":
        """Return filters with values from an address."""
        known = role if role in [name.value for name in INSIDE] else ""
        return cls(typed.strip()[:MOST_LETTERS], known, min(max(page, 1), LAST_PAGE))

    @property
    def query(self) -> dict[str, str]:
        """Return the filters for an address, without the page."""
        return {name: value for name, value in (("q", self.typed), ("role", self.role)) if value}


@dataclass(frozen=True)
class Roster:
    """One page of the people of a hub, each with their highest role, and how many people match."""

    entries: list[tuple[User, RoleName]]
    total: int
    pages: int


def read_page(session: Session, person: Person, hub: Hub, filters: Filters) -> Roster:
    """Return the owners and members of a hub that a person may see, owners first, then by name."""
    lowest = func.max(case((Role.role == RoleName.OWNER, 1), else_=0))
    query = select(User, lowest.label("owns")).join(Role, Role.user_id == User.id)
    query = query.where(Role.hub_id == hub.id, Role.role.in_(INSIDE)).group_by(User.id)
    if not can(person, "edit", hub):
        # Owners are public; unlisted members are shown only to owners and to themselves.
        listed = or_(User.unlisted.is_(False), User.id == person.id)
        query = query.having(or_(lowest == 1, listed)).group_by(User.unlisted)
    for word in read(filters.typed).words:
        names = (func.lower(User.username), func.lower(User.fullname))
        query = query.where(or_(*(name.contains(word, autoescape=True) for name in names)))
    if filters.role:
        query = query.having(lowest == int(filters.role == RoleName.OWNER.value))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    name = func.lower(case((User.fullname != "", User.fullname), else_=User.username))
    rows = session.execute(
        query.order_by(lowest.desc(), name, User.id).limit(PER_PAGE).offset((filters.page - 1) * PER_PAGE)
    )
    entries = [(user, RoleName.OWNER if owns else RoleName.MEMBER) for user, owns in rows]
    return Roster(entries, total, max(1, -(-total // PER_PAGE)))
