from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.view import RootWidgetView
from outside_reviews.tracker import Tracker


class WorkshopReviews(Widget):
    name = "workshopreviews"
    position = "both"
    parameters = [
        dict(
            name="email",
            label="Email",
            default=None,
            help="Bugzilla email address",
        ),
        dict(
            name="product",
            label="Product",
            help="Where to look",
        ),
    ]


class GetReviews(CachedFunction):
    def execute(self):
        tracker = Tracker()
        return tracker.query(creator=self.instance.config["email"], product=self.instance.config["product"] or "Fedora")

    def should_invalidate(self, message):
        if not message["topic"].endswith("bugzilla.bug.update"):
            return False
        return message["msg"]["bug"]["creator"] == self.instance.config["email"]


class BaseView(RootWidgetView):
    def get_context(self, instance, *args, **kwargs):
        get_reviews = GetReviews(instance)
        return dict(
            email=instance.config["email"],
            reviews=get_reviews(),
        )
