"""An account in statements that read its roles themselves, since nobody has read them before."""

from typing import cast

from sqlalchemy import select

from hubs.models import Role, RoleName
from hubs.permissions import ANY_ACCOUNT, Person


class _StoredAccount(Person):
    @property
    def signed_in(self) -> bool:
        return True

    def hubs_as(self, *names: RoleName) -> list[int]:
        return cast("list[int]", select(Role.hub_id).where(Role.user_id == self.id, Role.role.in_(names)))


#: Stands for any account, as `ANY_ACCOUNT` does; the only parameter of a statement with it is ``person_id``.
STORED_ACCOUNT: Person = _StoredAccount(id=ANY_ACCOUNT.id)
