"""The text view: the tokens and keywords of each video."""

from featurestore.views.spec import Spec
from featurestore.views.text.text_index import TextIndex
from featurestore.views.text.text_spec import TextSpec
from featurestore.views.view import View, ViewIndex


class TextView(View):
    """Tokens of title, OCR and ASR, unpadded, with their keywords."""

    name = "text"
    package = __name__
    spec_class = TextSpec
    input_column = "text_sha256"
    content_column = "text_sha256"
    is_required = True

    def index(self, spec: Spec) -> ViewIndex:  # noqa: ARG002 - tokens are laid out alike in all
        """Begin the columns of all tokens."""
        return TextIndex()


VIEW = TextView()
