"""The story of the gateway, sentence by sentence, over plain HTTP and over TLS."""

from lab.story import Story
from support.case import WorldCase


class StoryCase(WorldCase):
    """The steps depend on each other; after one failed, the rest is reported as failed, too."""

    is_story = True
    story = None
    broken = None

    @classmethod
    def setUpClass(cls):
        """A world and its story."""
        super().setUpClass()
        cls.story = Story(cls.world)
        cls.broken = None
        cls.addClassCleanup(cls.story.close)

    def step(self, step):
        """Walk one step."""
        if self.broken:
            self.fail(f"not walked: an earlier step failed: {self.broken}")
        try:
            step(self.story)
        except Exception:
            type(self).broken = step.__doc__
            raise


def _test_of(step):
    def test(self):
        self.step(step)
    test.__doc__ = step.__doc__
    return test


def _story_class(name, tls):
    tests = {f"test_{number:02}_{step.__name__}": _test_of(step) for number, step in enumerate(Story.STEPS, 1)}
    return type(name, (StoryCase,), {"tls": tls, "__doc__": StoryCase.__doc__, "__module__": __name__, **tests})


StoryOverPlainHttp = _story_class("StoryOverPlainHttp", False)
StoryOverTls = _story_class("StoryOverTls", True)
