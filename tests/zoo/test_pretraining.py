"""Pretraining of the micro nets: its pictures, its steps, its record; on a handful of made-up pictures."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from rvernet_core import files
from rvernet_core.errors import CheckpointError, ConfigError, TrainingError
from rvernet_core.models import backbones, zoo
from rvernet_core.models.weights import load_weights
from zoo import pretrain as engine
from zoo import train_backbones
from zoo.augment import MILD, STRONG, augment, to_pixels
from zoo.cards import write_pretraining
from zoo.pretrain import Job, Pictures, batch_of, precision, pretrain
from zoo.things import CATEGORIES

SIDE = 112


def made_up(count=24, seed=0):
    """Pictures of three kinds that differ by the side that is bright."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 80, (count, SIDE, SIDE, 3), dtype=np.uint8)
    labels = (np.arange(count) % 3).astype(np.int16)
    images[labels == 0, :40] += 150
    images[labels == 1, 70:] += 150
    return Pictures(images, labels)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 8)
    torch.set_num_threads(1)


def job(name="mlp-mixer", pictures=24, rate=1e-3, seed=0, **changes):
    train = made_up()
    return Job(name, seed, pictures, rate, train.fingerprint, train.fingerprint, **changes)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [MILD, STRONG])
def test_augmentation_is_a_function_of_its_generator(how):
    pictures = made_up().images
    one, two, other = (augment(pictures, how, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one.shape == (24, 3, SIDE, SIDE)
    assert one.is_contiguous(memory_format=torch.channels_last)
    assert 0 <= one.min() < one.max() <= 1
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert np.array_equal(pictures, made_up().images)  # the corpus itself is left as it was


def test_augmentation_that_may_change_nothing_changes_nothing_but_the_side():
    still = dataclasses.replace(
        MILD, crop=(1.0, 1.0), stretch=0.0, brightness=0.0, contrast=0.0, saturation=0.0, temperature=0.0
    )
    pictures = made_up().images
    out, plain = augment(pictures, still, np.random.default_rng(0)), to_pixels(pictures)
    mirrored = 0
    for new, old in zip(out, plain, strict=True):
        turned = torch.allclose(new, old.flip(-1), atol=1.5 / 255)
        assert turned or torch.allclose(new, old, atol=1.5 / 255)
        mirrored += turned
    assert 0 < mirrored < len(plain)


def test_crops_stay_inside_the_picture():
    """A picture without any change of its own has no border to show: what is cropped is what was there."""
    ramp = np.broadcast_to(np.linspace(20, 235, SIDE).astype(np.uint8)[:, None, None], (64, SIDE, SIDE, 3))
    cropped = dataclasses.replace(STRONG, brightness=0, contrast=0, saturation=0, temperature=0, erasing=0)
    out = augment(np.ascontiguousarray(ramp), cropped, np.random.default_rng(0))[:, 0, :, SIDE // 2] * 255
    steps = out.diff(dim=1)
    assert (steps >= -0.01).all()  # no reflection: the ramp only rises
    slope = (out[:, -1] - out[:, 0]) / (235 - 20)
    assert slope.min() > 0.4
    assert slope.max() <= 1.01


def test_only_the_strong_recipe_erases():
    flat = np.full((64, SIDE, SIDE, 3), 128, np.uint8)
    rough = [
        (augment(flat, how, np.random.default_rng(0)).flatten(1).std(1) > 0.05).sum()
        for how in (MILD, STRONG)
    ]
    assert rough[0] == 0
    assert 6 <= rough[1] <= 30


def test_an_epoch_shows_every_picture_once():
    seen = Pictures(made_up().images, np.arange(24, dtype=np.int16))
    epochs = [torch.cat([batch_of(job(), seen, 3 * e + s)[1] for s in range(3)]).tolist() for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(24))
    assert epochs[0] != epochs[1]


def test_a_fingerprint_names_pictures_and_labels():
    base = made_up()
    other = Pictures(base.images, base.labels[::-1])
    assert made_up().fingerprint == base.fingerprint
    assert len({base.fingerprint, other.fingerprint, made_up(seed=1).fingerprint}) == 3


def test_the_nets_know_as_many_labels_as_there_are_things():
    assert len(CATEGORIES) == backbones.MICRO_LABELS


# --- training -------------------------------------------------------------------------------------


def test_every_architecture_ships_three_pretrainings_of_one_budget_and_all_weights_are_small():
    cards = [zoo.CARDS[name] for name in backbones.BACKBONES]
    assert {tuple(shipped["seed"] for shipped in card["checkpoints"]) for card in cards} == {(0, 1, 2)}
    assert len({card["data"] for card in cards}) == 1
    assert sum(path.stat().st_size for path in zoo.WEIGHTS.glob("*.safetensors")) < 18e6


def test_the_identity_is_that_of_all_that_decides_the_weights(monkeypatch):
    names = {
        job().identity,
        job(seed=1).identity,
        job(rate=2e-3).identity,
        job(pictures=48).identity,
        job("vit").identity,
        job(precision="bfloat16").identity,
        dataclasses.replace(job(), train="other pictures").identity,
        dataclasses.replace(job(), teacher="a teacher").identity,
    }
    monkeypatch.setattr(engine, "AUGMENTATION", -1)
    assert len(names | {job().identity}) == 9


def test_precision_is_bfloat16_only_where_that_is_quicker(monkeypatch):
    monkeypatch.setattr(engine, "native_bfloat16", lambda device: True)
    assert (precision("vit"), precision("mobilenetv2")) == ("bfloat16", "float32")
    assert precision("mobilenetv2", "cuda") == "bfloat16"
    monkeypatch.setattr(engine, "native_bfloat16", lambda device: False)
    assert precision("vit") == "float32"


@pytest.mark.parametrize("name", ["vit", "mlp-mixer", "mobilenetv2", "deit"])
def test_fault_32_interrupted_pretraining_ends_with_the_same_weights(name, tmp_path, monkeypatch):
    this, pictures = job(name, pictures=48), made_up()
    whole = pretrain(this, pictures, pictures, tmp_path / "whole")
    monkeypatch.setattr(engine, "CHECKPOINT_SECONDS", 0.0)

    def stop(job, train, step):
        if step == 4:
            raise KeyboardInterrupt
        return batch_of(job, train, step)

    monkeypatch.setattr(engine, "batch_of", stop)
    with pytest.raises(KeyboardInterrupt):
        pretrain(this, pictures, pictures, tmp_path / "broken")
    assert [p.suffix for p in (tmp_path / "broken").iterdir()] == [".pt"]
    steps = []

    def watched(job, train, step):
        steps.append(step)
        return batch_of(job, train, step)

    monkeypatch.setattr(engine, "batch_of", watched)
    broken = pretrain(this, pictures, pictures, tmp_path / "broken")
    assert steps == [4, 5]
    one, two = (load_weights(this.folder(tmp_path / p) / "weights.safetensors") for p in ("whole", "broken"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert whole["top1"] == broken["top1"]
    assert not list((tmp_path / "broken").glob("*.pt"))


def test_a_finished_pretraining_is_not_done_again(tmp_path, monkeypatch):
    pictures = made_up()
    first = pretrain(job(), pictures, pictures, tmp_path)
    monkeypatch.setattr(engine, "batch_of", lambda *_: pytest.fail("trained again"))
    assert pretrain(job(), pictures, pictures, tmp_path) == first


def test_a_net_learns_what_it_is_shown(tmp_path):
    pictures = made_up()
    facts = pretrain(job("vit", pictures=480), pictures, made_up(seed=1), tmp_path)
    assert facts["top1"] > 0.8


def test_the_student_listens_to_its_teacher(tmp_path):
    """Its second head learns the teacher's answers, which here are always class 7."""
    pictures = made_up()
    teacher = job("mobilenetv2", pictures=8)
    pretrain(teacher, pictures, pictures, tmp_path)
    path = teacher.folder(tmp_path)
    net = backbones.build("mobilenetv2", pretrained=False)
    torch.nn.init.zeros_(net.classifier.weight)
    torch.nn.init.zeros_(net.classifier.bias)
    with torch.no_grad():
        net.classifier.bias[7] = 9.0
    files.remove(path)
    with engine.sealed_folder(path) as staging:
        engine.save_weights(staging / "weights.safetensors", net.state_dict())
    this = job("deit-distilled", pictures=120, rate=2e-3, teacher=teacher.identity)
    pretrain(this, pictures, pictures, tmp_path, path)
    student = backbones.build("deit-distilled", pretrained=False).eval()
    student.load_state_dict(load_weights(this.folder(tmp_path) / "weights.safetensors"))
    with torch.inference_mode():
        own, taught = backbones.two_heads(
            student, backbones.Normalise("deit-distilled")(to_pixels(pictures.images))
        )
    assert (taught.argmax(1) == 7).all()
    assert (own.argmax(1) != 7).all()


def test_a_student_without_its_teacher_says_what_to_do_first(tmp_path):
    this = job("deit-distilled", teacher="untrained")
    with pytest.raises(CheckpointError, match="train_backbones mobilenetv2 --seeds 0"):
        pretrain(this, made_up(), made_up(), tmp_path, tmp_path / "nowhere")


def test_fault_34_a_loss_that_is_not_finite_stops_the_pretraining(tmp_path):
    with pytest.raises(TrainingError, match="lower the peak rate"):
        pretrain(job(rate=float("inf")), made_up(), made_up(), tmp_path)
    assert not any(p.is_dir() for p in tmp_path.iterdir())


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command on few made-up pictures, writing below tmp_path."""
    monkeypatch.setattr(train_backbones, "thing_corpus", lambda count, first, *_: _few(first))
    monkeypatch.setattr(train_backbones, "RECORD", tmp_path / "pretraining.csv")
    monkeypatch.setattr(train_backbones, "RATES", (1e-3, 2e-3))
    monkeypatch.setattr(train_backbones, "SEARCH_PICTURES", 16)
    places = [f"--parts={tmp_path / 'parts'}", f"--out={tmp_path / 'out'}", f"--cache={tmp_path}"]
    return lambda *words: train_backbones.main([*words, "--pictures=24", *places])


def _few(first):
    pictures = made_up(seed=first)
    return pictures.images, pictures.labels


def test_the_command_searches_trains_records_and_ships(command, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="mlp-mixer --search"):
        command("mlp-mixer")
    command("mlp-mixer", "--search", "--seeds", "0", "1")
    rows = train_backbones.read_record()
    assert [(r["part"], r["name"], r["seed"]) for r in rows] == [
        *[("search", "mlp-mixer", "0")] * 2,
        *[("pretraining", "mlp-mixer", seed) for seed in "01"],
    ]
    best = max(rows[:2], key=lambda row: float(row["top1"]))
    assert {row["rate"] for row in rows[2:]} == {best["rate"]}
    page = (tmp_path / "pretraining.md").read_text()
    assert all(f"{float(row['top1']):.3f}" in page for row in rows)
    card = json.loads((tmp_path / "out" / "mlp-mixer.json").read_text())
    text = (tmp_path / "out" / "mlp-mixer.md").read_text()
    assert [c["seed"] for c in card["checkpoints"]] == [0, 1]
    for entry in card["checkpoints"]:
        path = tmp_path / "out" / f"mlp-mixer-{entry['seed']}.safetensors"
        assert files.sha256(path) == entry["sha256"]
        assert entry["sha256"] in text
    monkeypatch.setattr(zoo, "WEIGHTS", tmp_path / "out")
    monkeypatch.setitem(zoo.CARDS, "mlp-mixer", card)
    nets = [backbones.build("mlp-mixer", checkpoint=k).state_dict() for k in range(3)]
    assert torch.equal(nets[0]["stem.proj.weight"], nets[2]["stem.proj.weight"])
    assert not torch.equal(nets[0]["stem.proj.weight"], nets[1]["stem.proj.weight"])


def test_the_command_adds_a_seed_and_does_nothing_twice(command, tmp_path, monkeypatch):
    command("mlp-mixer", "--search", "--seeds", "1")
    command("mlp-mixer", "--seeds", "0")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    monkeypatch.setattr(engine, "batch_of", lambda *_: pytest.fail("trained again"))
    command("mlp-mixer", "--search", "--seeds", "0", "1")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    card = json.loads((tmp_path / "out" / "mlp-mixer.json").read_text())
    assert [c["seed"] for c in card["checkpoints"]] == [0, 1]


def test_a_new_search_replaces_the_older_one_whole(command, monkeypatch):
    command("mlp-mixer", "vit", "--search", "--seeds")
    monkeypatch.setattr(train_backbones, "RATES", (4e-3,))
    monkeypatch.setattr(train_backbones, "SEARCH_PICTURES", 24)
    command("mlp-mixer", "--search", "--seeds")
    rates = {(r["name"], float(r["rate"]), r["pictures"]) for r in train_backbones.read_record()}
    assert rates == {("mlp-mixer", 4e-3, "24"), ("vit", 1e-3, "16"), ("vit", 2e-3, "16")}


def test_checkpoints_of_another_budget_leave_the_card(command, tmp_path):
    command("mlp-mixer", "--search", "--seeds", "0")
    card = tmp_path / "out" / "mlp-mixer.json"
    facts = json.loads(card.read_text())
    files.write_json(card, {**facts, "data": "other pictures"})
    command("mlp-mixer", "--seeds", "1")
    assert [c["seed"] for c in json.loads(card.read_text())["checkpoints"]] == [1]


def test_the_teacher_comes_first_and_its_student_learns_from_it(command, tmp_path):
    command("deit-distilled", "mobilenetv2", "--search", "--seeds", "0")
    card = json.loads((tmp_path / "out" / "deit-distilled.json").read_text())
    assert card["teacher"].startswith("mobilenetv2 of the same seed")


def test_a_rate_that_diverges_loses_the_search(command, monkeypatch):
    monkeypatch.setattr(train_backbones, "RATES", (1e-3, float("inf")))
    command("mlp-mixer", "--search", "--seeds")
    whole = train_backbones.read_record()
    assert [float(row["top1"]) > 0 for row in whole] == [True, False]


RATES = {"0.001": "0.2", "0.002": "0.4", "0.004": "0.3"}  # of a search -> top-1: the best one lies within


def test_the_page_has_a_table_of_the_search_and_one_of_the_pretrainings(tmp_path):
    rows = [
        {"part": "search", "name": "vit", "seed": "0", "rate": "0.001", "pictures": "20000", "top1": "0.5"},
        {
            "part": "pretraining",
            "name": "vit",
            "seed": "2",
            "rate": "0.001",
            "pictures": "200000",
            "top1": "0.75",
        },
    ]
    rows += [{**rows[0], "name": "deit", "rate": rate, "top1": top1} for rate, top1 in RATES.items()]
    write_pretraining(tmp_path / "page.md", rows)
    page = (tmp_path / "page.md").read_text()
    assert "lies at an end of the range for ViT: " in page
    assert "after 20,000 pictures" in page
    assert "| ViT | 0.500 |" in page
    assert "| ViT | 0.750 |" in page
    assert page.index("rate 0.001") < page.index("seed 2")
