BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE aliases (
	name TEXT NOT NULL, 
	target TEXT NOT NULL, 
	moved_at TEXT NOT NULL, is_provisional BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "aliases" VALUES('wanted/frames','3370708f39ec5837caf9545baf7bc7a315d8b6b4dd6dee073ee8e425fec25919','2026-11-20T08:30:00.000000+00:00',0);
INSERT INTO "aliases" VALUES('wanted/text','935153e6a9764a249fe00337d963898fb0cd5cadb54cdacc7091ffaeb5282d9a','2026-11-20T08:30:00.000000+00:00',0);
INSERT INTO "aliases" VALUES('champion','83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af','2026-11-20T09:30:00.000000+00:00',0);
CREATE TABLE commits (
	id VARCHAR(64) NOT NULL, 
	dataset TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	staging_id VARCHAR(32) NOT NULL, 
	num_rows BIGINT NOT NULL, 
	facts JSON NOT NULL, 
	provenance_sha256 VARCHAR(64) NOT NULL, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "commits" VALUES('b0dc36285da2b68052184c9e65dd95d06f288c879de7229f1824c78242e7a98e','features/frames/3370708f39ec/spec','','38f42556354854a9',0,'{"fingerprint": "3370708f39ec5837caf9545baf7bc7a315d8b6b4dd6dee073ee8e425fec25919"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('fcd8787642eff8e74d784067cb31d5d8e04028d33775a82eebe5f2e8f1a627d3','features/text/935153e6a976/spec','','2a3bbad613211d65',0,'{"fingerprint": "935153e6a9764a249fe00337d963898fb0cd5cadb54cdacc7091ffaeb5282d9a"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('c0cc27a63a65d9c024e15460fa9fe47d0b6d22066e3cc9febacc0306d17700b2','tables/videos','labeled','63a0f51e9bbf65ae',12,'{"role": "labeled"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8','features/frames/3370708f39ec','labeled','51f5e20733a36e23',12,'{"input_sha256": "aa8b3fcd894064d5a96f30c13a7ed4bf1a544da3f2f7d6ca2494ac74d0ecae21"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('4b57ee59668236319a714b8581fe3ace9d94329684d499ef95a6f8e08f58ee31','features/text/935153e6a976','labeled','9c5b2afc70b708f6',12,'{"input_sha256": "90625f73932c168e6810e3a0d2bf5489a701ca8ae27b34cb67169e409e02636a"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b','tables/videos','2026-11-20','ffd14e19fd92cab7',3,'{"role": "score"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2','features/frames/3370708f39ec','2026-11-20','722727d8ee1282a8',3,'{"input_sha256": "5932378d87f0851341f0ded299f94f68e33d4b58abe5165ebb41eb8569ba5bd0"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0','features/text/935153e6a976','2026-11-20','4263011a237c182a',3,'{"input_sha256": "ce2e884e981edc2fed53241a1032e074ba3d0b419d77a305250a191ea208e701"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('73e2d8f23293dad81fbe4c2d46d5e51a2c484ae569cd6085cffc2acaad8d252e','tables/labels','labeled','3c11a1260a42c66b',12,'{"taxonomy": "two"}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('9e9c498ae56d6a807044abf21b42f96d44c192d7c3decb8ab77dca4375eb7940','tables/split','','4d58deaa9cb480ec',1,'{"salt": 0}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af','snapshots','','d3034dd282658016',1,'{"fingerprints": {"frames": "3370708f39ec5837caf9545baf7bc7a315d8b6b4dd6dee073ee8e425fec25919", "text": "935153e6a9764a249fe00337d963898fb0cd5cadb54cdacc7091ffaeb5282d9a"}, "partitions": ["labeled"]}','b5c995264a64d0f4ae1a54b370663fd0f092bba540542336a5513a7c64a6697c','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "commits" VALUES('516c691a5e42a4a3de76c33321265713a5f158026fce6e4ed247107c30a371ba','tables/videos','labeled','4581e17064693f6a',13,'{"role": "labeled"}','e44acc3d616c5841575ddb37dfa323dbf49087b27f3e1b23b3afe9ef244cb6b0','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "commits" VALUES('65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef','features/frames/3370708f39ec','labeled','d11b045289ea4400',13,'{"input_sha256": "df3ac9921697c4356e84bfb5bcf9198146655bf5ba9e0f701a72f07a4c84c272"}','e44acc3d616c5841575ddb37dfa323dbf49087b27f3e1b23b3afe9ef244cb6b0','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "commits" VALUES('7583189d9e9432e764ac39b5e307feb83efc719579bd2abb6ca66036794ee813','features/text/935153e6a976','labeled','5805a417d096e1f1',13,'{"input_sha256": "c32f82ee2aaf604ed2b1052df1e88ec5348b58fdace5fe5e3d3656298044309c"}','e44acc3d616c5841575ddb37dfa323dbf49087b27f3e1b23b3afe9ef244cb6b0','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "commits" VALUES('416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','tables/predictions/model=83c57b0884c9b52f','2026-11-20','8ddd7230974658b5',3,'{"made_from": {"frames": "8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2", "text": "707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0", "videos": "0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b"}, "model": "83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af"}','e44acc3d616c5841575ddb37dfa323dbf49087b27f3e1b23b3afe9ef244cb6b0','2026-11-20T09:30:00.000000+00:00');
CREATE TABLE files (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE
);
INSERT INTO "files" VALUES('b0dc36285da2b68052184c9e65dd95d06f288c879de7229f1824c78242e7a98e','spec.json',368,'3370708f39ec5837caf9545baf7bc7a315d8b6b4dd6dee073ee8e425fec25919');
INSERT INTO "files" VALUES('fcd8787642eff8e74d784067cb31d5d8e04028d33775a82eebe5f2e8f1a627d3','spec.json',441,'935153e6a9764a249fe00337d963898fb0cd5cadb54cdacc7091ffaeb5282d9a');
INSERT INTO "files" VALUES('c0cc27a63a65d9c024e15460fa9fe47d0b6d22066e3cc9febacc0306d17700b2','videos.parquet',6797,'3e1abf4cc5d06e8e0f87b84e00f12a5c75f578023a59087352511f5bf0d0ce88');
INSERT INTO "files" VALUES('5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8','ledger.parquet',3265,'e1846267509392a8fd7286734caca6f31b9cad2f89eb485ba5dfff5f7faf2d28');
INSERT INTO "files" VALUES('5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8','preview-00000.h5',6496,'45c42677bd1ab7846cf6bdb22f2a59ae1c336344a39acd1a4e0c66f2e39c28f4');
INSERT INTO "files" VALUES('5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8','shard-00000.h5',10240,'63cf7f8b1b13289356af6ea32bb7def103b897562b81a245879334e83f769dac');
INSERT INTO "files" VALUES('4b57ee59668236319a714b8581fe3ace9d94329684d499ef95a6f8e08f58ee31','ledger.parquet',3091,'76aa29f0b0280abb58f2894501d9def35465c8307f03e1795fd367da78246144');
INSERT INTO "files" VALUES('4b57ee59668236319a714b8581fe3ace9d94329684d499ef95a6f8e08f58ee31','shard-00000.parquet',3700,'ec7718828d9ec6e57c361325844d84a091615ed8bf1411797bc48b0b017a417e');
INSERT INTO "files" VALUES('0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b','videos.parquet',5741,'d1fb1d83ac78d435dd09c24b1f5e1a974cca631661e2e22dbfd4521800d14ce7');
INSERT INTO "files" VALUES('8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2','ledger.parquet',2684,'1b023696d0344ed27ef066cf1b53037a77ca16d7d69229af994ed97e9ff9ee73');
INSERT INTO "files" VALUES('8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2','preview-00000.h5',6240,'309d43bba19d5d2b44e5a41567496be06a16eb84eea7b3fd640593f2111ce065');
INSERT INTO "files" VALUES('8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2','shard-00000.h5',10240,'21d77a8e95b4c50ceeba845f773c1a2822ee6428d2422fcf0424a643e8f7f4d4');
INSERT INTO "files" VALUES('707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0','ledger.parquet',2711,'7323cebd91e4e69a24a356838fecd8bb14caeb1c0f636b6e266885a1db59b8c7');
INSERT INTO "files" VALUES('707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0','shard-00000.parquet',3577,'b7101f7beb59d84df55690d8a39628af3c0b9a2dcaf0b99dc8a2ccd161df063e');
INSERT INTO "files" VALUES('73e2d8f23293dad81fbe4c2d46d5e51a2c484ae569cd6085cffc2acaad8d252e','labels.parquet',1246,'eb3e39f391ae39693abc0b01c553aa543d85b4465ce6d2448125a5610050192a');
INSERT INTO "files" VALUES('73e2d8f23293dad81fbe4c2d46d5e51a2c484ae569cd6085cffc2acaad8d252e','taxonomy.csv',49,'bb72dec513cb2181509bb5b9333efe90950898c782b7c9d0d0ec3293e18107b2');
INSERT INTO "files" VALUES('9e9c498ae56d6a807044abf21b42f96d44c192d7c3decb8ab77dca4375eb7940','split.json',10,'4abaa3c94b5f71de4ffd9df4978401b8ca62a11becb4dafee07e0fa95c615e68');
INSERT INTO "files" VALUES('83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af','snapshot.json',593,'618f7b0f050302c30a98b4cfd63be23abe30ddc705b62fc7b1ee0bc58b647d6b');
INSERT INTO "files" VALUES('516c691a5e42a4a3de76c33321265713a5f158026fce6e4ed247107c30a371ba','videos.parquet',6906,'1b290eaf84a1705ec4e2cd275c533f8ed9b4260971dfa1d8b19b39afc3327b5c');
INSERT INTO "files" VALUES('65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef','ledger.parquet',3306,'4b5dc0fc8d2cd1c00d80238faa9f6bedc935f2679e29589692eb9f7261d65050');
INSERT INTO "files" VALUES('65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef','preview-00000.h5',6528,'256a7b370f50cd460f1505304c0e8c82118d296b8d52e597358c4c5ffd7ca17d');
INSERT INTO "files" VALUES('65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef','shard-00000.h5',10240,'34187748f2eadaffc29c91c755a6b0d6c624796425e1589fcbc536d9581188ba');
INSERT INTO "files" VALUES('7583189d9e9432e764ac39b5e307feb83efc719579bd2abb6ca66036794ee813','ledger.parquet',3132,'10eb963391a1b883d541582a3ef58f7d40d39542df3cc7a8a6f2dc9e4e3b5c2c');
INSERT INTO "files" VALUES('7583189d9e9432e764ac39b5e307feb83efc719579bd2abb6ca66036794ee813','shard-00000.parquet',3710,'cf9192bed6c6b049cd0625eca7d1c77a9ef6e30f50a12012d7762d49521b67d4');
INSERT INTO "files" VALUES('416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','predictions-00000.parquet',4,'bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e');
CREATE TABLE heads (
	dataset TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	commit_id VARCHAR(64) NOT NULL, 
	attributes JSON NOT NULL, 
	moved_at TEXT NOT NULL, 
	PRIMARY KEY (dataset, partition), 
	FOREIGN KEY(commit_id) REFERENCES commits (id)
);
INSERT INTO "heads" VALUES('features/frames/3370708f39ec/spec','','b0dc36285da2b68052184c9e65dd95d06f288c879de7229f1824c78242e7a98e','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/935153e6a976/spec','','fcd8787642eff8e74d784067cb31d5d8e04028d33775a82eebe5f2e8f1a627d3','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','2026-11-20','0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b','{"media_root": "/media"}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3370708f39ec','2026-11-20','8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/935153e6a976','2026-11-20','707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/labels','labeled','73e2d8f23293dad81fbe4c2d46d5e51a2c484ae569cd6085cffc2acaad8d252e','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/split','','9e9c498ae56d6a807044abf21b42f96d44c192d7c3decb8ab77dca4375eb7940','{}','2026-11-20T08:30:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','labeled','516c691a5e42a4a3de76c33321265713a5f158026fce6e4ed247107c30a371ba','{"media_root": "/media"}','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3370708f39ec','labeled','65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef','{}','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/935153e6a976','labeled','7583189d9e9432e764ac39b5e307feb83efc719579bd2abb6ca66036794ee813','{}','2026-11-20T09:30:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/predictions/model=83c57b0884c9b52f','2026-11-20','416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','{}','2026-11-20T09:30:00.000000+00:00');
CREATE TABLE journal (
	number BIGINT NOT NULL, 
	entry JSON NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "journal" VALUES(1,'{"format_version": 1, "number": 1, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/frames/3370708f39ec/spec", "partition": null, "commit_id": "b0dc36285da2b68052184c9e65dd95d06f288c879de7229f1824c78242e7a98e", "previous": null, "attributes": {}}','e2f3ffc40369da9db1ce03f26d498cea6d86d6c0dab56e0373fd6e118bf3c6bf');
INSERT INTO "journal" VALUES(2,'{"format_version": 1, "number": 2, "kind": "alias", "moved_at": "2026-11-20T08:30:00.000000+00:00", "name": "wanted/frames", "target": "3370708f39ec5837caf9545baf7bc7a315d8b6b4dd6dee073ee8e425fec25919", "previous": null}','ccf787d859f0254372e85ec429ea4e96e28421cc14a7531ae265b5ea05acd397');
INSERT INTO "journal" VALUES(3,'{"format_version": 1, "number": 3, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/text/935153e6a976/spec", "partition": null, "commit_id": "fcd8787642eff8e74d784067cb31d5d8e04028d33775a82eebe5f2e8f1a627d3", "previous": null, "attributes": {}}','e804d1ab92d5dc091f1db0174fc110b2e3eca79b4cf71d5f083d61bac732fe93');
INSERT INTO "journal" VALUES(4,'{"format_version": 1, "number": 4, "kind": "alias", "moved_at": "2026-11-20T08:30:00.000000+00:00", "name": "wanted/text", "target": "935153e6a9764a249fe00337d963898fb0cd5cadb54cdacc7091ffaeb5282d9a", "previous": null}','525ef74fc8dc3631c577aba91feb1ae2564f544b6f0f32373bd2a45691f6d298');
INSERT INTO "journal" VALUES(5,'{"format_version": 1, "number": 5, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "tables/videos", "partition": "labeled", "commit_id": "c0cc27a63a65d9c024e15460fa9fe47d0b6d22066e3cc9febacc0306d17700b2", "previous": null, "attributes": {"media_root": "/media"}}','badb7f9d46c695d035b98262a3aa5d150903a0abd8a7c8575539ca05872bb3db');
INSERT INTO "journal" VALUES(6,'{"format_version": 1, "number": 6, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/frames/3370708f39ec", "partition": "labeled", "commit_id": "5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8", "previous": null, "attributes": {}}','c1f21ff3714ce23405b3b89122fce8e2192425ba7ccac148745d88fc72dc6c31');
INSERT INTO "journal" VALUES(7,'{"format_version": 1, "number": 7, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/text/935153e6a976", "partition": "labeled", "commit_id": "4b57ee59668236319a714b8581fe3ace9d94329684d499ef95a6f8e08f58ee31", "previous": null, "attributes": {}}','2990150737f7d595f176164c31c0bb1be88323f10d8c0c6233307271f21f597e');
INSERT INTO "journal" VALUES(8,'{"format_version": 1, "number": 8, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "tables/videos", "partition": "2026-11-20", "commit_id": "0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b", "previous": null, "attributes": {"media_root": "/media"}}','ca3c6856f1b9ab78c808f3f44592145ea76a160ca7e585e99c200e937e4ac139');
INSERT INTO "journal" VALUES(9,'{"format_version": 1, "number": 9, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/frames/3370708f39ec", "partition": "2026-11-20", "commit_id": "8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2", "previous": null, "attributes": {}}','bc059bc66d0b1d1f121cd33b777ee461fe024cc654a570173cd00a8c51f1177b');
INSERT INTO "journal" VALUES(10,'{"format_version": 1, "number": 10, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "features/text/935153e6a976", "partition": "2026-11-20", "commit_id": "707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0", "previous": null, "attributes": {}}','46846b3eca90ae77ba601e69af10effbe5e8575e1904045cc23b03737001e252');
INSERT INTO "journal" VALUES(11,'{"format_version": 1, "number": 11, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "tables/labels", "partition": "labeled", "commit_id": "73e2d8f23293dad81fbe4c2d46d5e51a2c484ae569cd6085cffc2acaad8d252e", "previous": null, "attributes": {}}','aeab8bbcf07410604ea9b2d4c7a409caf3c9b1e3013312d411cab4e3e340d8bb');
INSERT INTO "journal" VALUES(12,'{"format_version": 1, "number": 12, "kind": "head", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "tables/split", "partition": null, "commit_id": "9e9c498ae56d6a807044abf21b42f96d44c192d7c3decb8ab77dca4375eb7940", "previous": null, "attributes": {}}','d86f3c156685103891de66d4638770ee12477095d60615f15ca4245a3200b2c5');
INSERT INTO "journal" VALUES(13,'{"format_version": 1, "number": 13, "kind": "commit", "moved_at": "2026-11-20T08:30:00.000000+00:00", "dataset": "snapshots", "partition": null, "commit_id": "83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af"}','370796def18e675a09d85f3354e2b7e51def371355d9b45fb10fe0b8d24478ea');
INSERT INTO "journal" VALUES(14,'{"format_version": 1, "number": 14, "kind": "head", "moved_at": "2026-11-20T09:30:00.000000+00:00", "dataset": "tables/videos", "partition": "labeled", "commit_id": "516c691a5e42a4a3de76c33321265713a5f158026fce6e4ed247107c30a371ba", "previous": "c0cc27a63a65d9c024e15460fa9fe47d0b6d22066e3cc9febacc0306d17700b2", "attributes": {"media_root": "/media"}}','00a067285a08536d5859492424ce16700e0a693524bd69b19aac77cc18629c7f');
INSERT INTO "journal" VALUES(15,'{"format_version": 1, "number": 15, "kind": "head", "moved_at": "2026-11-20T09:30:00.000000+00:00", "dataset": "features/frames/3370708f39ec", "partition": "labeled", "commit_id": "65e99478bb23c2bc861d103591896861462f2db5ad658f630e26e36477a6b4ef", "previous": "5206f7ceb59fcaa55a8f5ce2a9a7ca4c3a1e15b1f6c6f9d8d4adec0e03f5baf8", "attributes": {}}','46430c408e312597893da490bf928a8be02c170cf223d0f9047102c1702b7ba0');
INSERT INTO "journal" VALUES(16,'{"format_version": 1, "number": 16, "kind": "head", "moved_at": "2026-11-20T09:30:00.000000+00:00", "dataset": "features/text/935153e6a976", "partition": "labeled", "commit_id": "7583189d9e9432e764ac39b5e307feb83efc719579bd2abb6ca66036794ee813", "previous": "4b57ee59668236319a714b8581fe3ace9d94329684d499ef95a6f8e08f58ee31", "attributes": {}}','789666527cda37b5f39e3c77ae7ecd75b5b248c1174d11861a25712005c904f2');
INSERT INTO "journal" VALUES(17,'{"format_version": 1, "number": 17, "kind": "alias", "moved_at": "2026-11-20T09:30:00.000000+00:00", "name": "champion", "target": "83c57b0884c9b52fe9dda770ab7237d663e02e15fe9a398c7c5f5d24fe08b8af", "previous": null}','d88d998063fca4a085d7d7bedcb171957e9229cad7bd50f8aa6b0bd0efb0dfd4');
INSERT INTO "journal" VALUES(18,'{"format_version": 1, "number": 18, "kind": "head", "moved_at": "2026-11-20T09:30:00.000000+00:00", "dataset": "tables/predictions/model=83c57b0884c9b52f", "partition": "2026-11-20", "commit_id": "416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b", "previous": null, "attributes": {}}','5da2ebfd20b94bbfdc6fc83a03f250d4907affb7cbb13abafee8893d1062eab6');
CREATE TABLE lineage (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	input_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE, 
	FOREIGN KEY(input_id) REFERENCES commits (id)
);
INSERT INTO "lineage" VALUES('416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','frames','8f8758fa4ff99aa17273189404f0ca14b7756484bb777376cf27903b6e9bbee2');
INSERT INTO "lineage" VALUES('416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','text','707b80ada18885186c04d2d95043157d8f3467fb11d24d5d871079945c2dc0a0');
INSERT INTO "lineage" VALUES('416bbed8afa43207087847eee856f00d3765e9ff86ad433cf6f6b0bffc8a062b','videos','0e8026fbd0d19bd616917e8ad334b9610d89d783d9192fe05869e3f644760c1b');
CREATE TABLE pending (
	id VARCHAR(32) NOT NULL, 
	dataset TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	commit_id VARCHAR(64), 
	started_at TEXT NOT NULL, 
	touched_at TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT pending_by_key UNIQUE (dataset, partition, "key")
);
INSERT INTO "pending" VALUES('ee998b9333b7080d','tables/videos','2026-11-21','unfinished',NULL,'2026-11-20T09:30:00.000000+00:00','2026-11-20T09:30:00.000000+00:00');
CREATE TABLE staged_files (
	pending_id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (pending_id, name), 
	FOREIGN KEY(pending_id) REFERENCES pending (id) ON DELETE CASCADE
);
CREATE INDEX commits_by_address ON commits (dataset, partition);
CREATE INDEX commits_by_staging ON commits (staging_id);
CREATE INDEX lineage_by_input ON lineage (input_id);
COMMIT;
