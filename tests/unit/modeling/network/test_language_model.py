import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ModelConfig, Recipe
from modeling.learning import finetuning, pretraining
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from modeling.network.cross_encoder import CrossEncoder
from modeling.network.language_model import check_language_model, load_language_model
from modeling.network.objectives import LanguageHead
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

Tensors = dict[str, Tensor]


@pytest.fixture
def peer(sizes: ModelConfig, vocabulary: Vocabulary) -> Any:
    model = BertForPreTraining(
        BertConfig(
            vocab_size=vocabulary.size,
            hidden_size=sizes.width,
            num_hidden_layers=sizes.num_language_layers,
            num_attention_heads=sizes.num_heads,
            intermediate_size=sizes.feed_forward_width,
            max_position_embeddings=sizes.max_positions,
        )
    ).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def ours(sizes: ModelConfig, vocabulary: Vocabulary) -> tuple[CrossEncoder, LanguageHead]:
    return (
        CrossEncoder(sizes, vocabulary.size, 6).eval(),
        LanguageHead(sizes, vocabulary.size).eval(),
    )


@pytest.fixture
def write(tmp_path: Path, peer: Any, vocabulary: Vocabulary) -> Callable[..., Path]:
    def write(*, old_names: bool = True, change: Callable[[Tensors], object] | None = None) -> Path:
        tensors = {name: tensor.clone() for name, tensor in peer.state_dict().items()}
        (tmp_path / "config.json").write_text(json.dumps(peer.config.to_dict()))
        (tmp_path / "vocab.txt").write_bytes(vocabulary.payload)
        if change:
            change(tensors)
        if old_names:
            gamma, beta = (
                ("LayerNorm.weight", "LayerNorm.gamma"),
                ("LayerNorm.bias", "LayerNorm.beta"),
            )
            renamed = {
                name.replace(*gamma).replace(*beta): tensor for name, tensor in tensors.items()
            }
            torch.save(renamed, tmp_path / "pytorch_model.bin")
        else:
            save_file(tensors, tmp_path / "model.safetensors")
        return tmp_path

    return write


@pytest.mark.parametrize("old_names", [True, False])
def test_both_layouts_give_the_outputs_of_the_original(
    write: Callable[..., Path], ours: Any, peer: Any, vocabulary: Vocabulary, *, old_names: bool
) -> None:
    encoder, head = ours
    load_language_model(write(old_names=old_names), encoder, head, vocabulary)
    token_ids, mask = (
        torch.randint(vocabulary.size, (3, 9)),
        torch.arange(9) < torch.tensor([9, 5, 1])[:, None],
    )
    with torch.inference_mode():
        theirs = peer(token_ids, attention_mask=mask)
        hidden = encoder.language(token_ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(head(hidden, encoder.word_embeddings), theirs.prediction_logits)
        pooled = torch.tanh(encoder.pooler(hidden[:, 0]))
        torch.testing.assert_close(pooled, peer.bert(token_ids, attention_mask=mask).pooler_output)


def test_a_masked_language_model_without_a_pooler_is_enough(
    tmp_path: Path, write: Callable[..., Path], ours: Any, peer: Any, vocabulary: Vocabulary
) -> None:
    encoder, head = ours
    write(old_names=False)
    (tmp_path / "model.safetensors").unlink()
    BertForMaskedLM(peer.config).save_pretrained(tmp_path)
    before = encoder.pooler.weight.clone()
    load_language_model(tmp_path, encoder, head, vocabulary)
    assert torch.equal(encoder.pooler.weight, before)


def _lose(tensors: Tensors) -> None:
    del tensors["bert.encoder.layer.0.output.dense.bias"]


def _lose_head(tensors: Tensors) -> None:
    del tensors["cls.predictions.transform.dense.weight"]


def _add(tensors: Tensors) -> None:
    tensors["bert.encoder.layer.1.output.dense.bias"] = torch.zeros(16)


def _add_elsewhere(tensors: Tensors) -> None:
    tensors["qa_outputs.weight"] = torch.zeros(2)


def _reshape(tensors: Tensors) -> None:
    tensors["bert.embeddings.token_type_embeddings.weight"] = torch.zeros(3, 16)


def _untie(tensors: Tensors) -> None:
    tensors["cls.predictions.decoder.weight"] += 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_lose, "lacks tensors: bert.encoder.layer.0.output.dense.bias"),
        (_lose_head, "lacks tensors: cls.predictions.dense.weight"),
        (_add, "holds unknown tensors: bert.encoder.layer.1.output.dense.bias"),
        (_add_elsewhere, "holds tensors that no part of a BERT has: qa_outputs.weight"),
        (
            _reshape,
            "holds, at another shape, tensors: bert.embeddings.token_type_embeddings.weight",
        ),
        (
            _untie,
            "cls.predictions.decoder.weight differs from bert.embeddings.word_embeddings.weight",
        ),
    ],
)
def test_every_tensor_is_accounted_for(
    write: Callable[..., Path], ours: Any, vocabulary: Vocabulary, change: Any, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        load_language_model(write(change=change), ours[0], ours[1], vocabulary)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json", "vocab.txt"])
def test_a_missing_file_is_named(
    write: Callable[..., Path], ours: Any, vocabulary: Vocabulary, name: str
) -> None:
    folder = write()
    (folder / name).unlink()
    with pytest.raises(Invalid, match=name):
        load_language_model(folder, ours[0], ours[1], vocabulary)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_damaged_file_is_named(
    write: Callable[..., Path], ours: Any, vocabulary: Vocabulary, name: str
) -> None:
    folder = write(old_names=name == "pytorch_model.bin")
    (folder / name).write_bytes(b"not a model")
    with pytest.raises(Invalid, match=f"{name} cannot be read as a BERT's weights"):
        load_language_model(folder, ours[0], ours[1], vocabulary)


def test_another_size_or_vocabulary_is_refused(
    write: Callable[..., Path], sizes: ModelConfig, vocabulary: Vocabulary
) -> None:
    folder = write()
    with pytest.raises(Invalid, match="has hidden_size 16, but the recipe needs 32"):
        check_language_model(folder, sizes.model_copy(update={"width": 32}), vocabulary)
    other = Vocabulary(vocabulary.payload.replace(b"word7", b"other"))
    with pytest.raises(Invalid, match=r"vocab.txt is not the vocabulary of the text features"):
        check_language_model(folder, sizes, other)


@pytest.mark.parametrize("phase", [pretraining, finetuning])
def test_weights_replaced_in_the_same_folder_make_another_training(
    phase: Any,
    write: Callable[..., Path],
    make_examples: Callable[..., Any],
    taxonomy: Taxonomy,
    recipe: Recipe,
    vocabulary: Vocabulary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Named(BaseException):
        """Ends a training where it would take up its checkpoint."""

    def end(*_: object, identity: str, **__: object) -> None:
        raise Named(identity)

    monkeypatch.setattr(phase, "optimise", end)
    examples = make_examples(40)

    def train(start: Start) -> None:
        if phase is pretraining:
            pretraining.pretrain(examples, vocabulary, recipe, start)
        else:
            finetuning.train(TrainingInputs(examples, vocabulary, taxonomy), recipe, start)

    identities = []
    for change in (None, None, lambda tensors: tensors["bert.pooler.dense.bias"].add_(1)):
        folder = write(change=change)
        with pytest.raises(Named) as named:
            train(Start(seed=1, language_model=folder))
        identities.append(str(named.value))
    assert identities[0] == identities[1] != identities[2]
