BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE aliases (
	name TEXT NOT NULL, 
	target TEXT NOT NULL, 
	moved_at TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "aliases" VALUES('wanted/frames','3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "aliases" VALUES('wanted/text','3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "aliases" VALUES('champion','42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','2026-11-20T08:03:00.000000+00:00');
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
INSERT INTO "commits" VALUES('86c0b4a489d0619ce6f17abefbb3d1560ac450fc6cb0e72aba3140bdc95bd2d6','tables/media','labeled','2eeb6ac9f5df7308',20,'{}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d','tables/videos','labeled','310a5ebaee832520',20,'{"role": "labeled"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b','tables/labels','labeled','6369d611c8d0833a',20,'{"taxonomy": "golden"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('269bca726f0175462ecc47c4ad37f6b8778a1343d5b62653dbdad9a867c25567','tables/split','','dbf85bb1c57d004e',1,'{"salt": 1}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('64cffc1ba304c67dc860fc0b36f81a986cea55f8788c4ba62a9f97e89b43a242','tables/media','2026-11-20','2e3ef2fcf631f4b4',3,'{}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60','tables/videos','2026-11-20','b61198449c9fb734',3,'{"role": "score"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a','features/frames/3886327ddaf4/spec','','275eaa5c3bfeed70',0,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','features/text/3003a690c545/spec','','6864e5a02d0d3c38',0,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','features/frames/3886327ddaf4','labeled','6aed74a803c04dda',19,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "input_sha256": "056d7c6efb0ffefbfc7a778cb1a528ca170aef14c6639cf4f0944ea1cb6ea6ba", "made_from": {"spec": "80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a"}, "outcomes": {"not_media": 1, "ok": 19}, "previews": true}','77c29a8726bf294b47848aaed02510d06315294b1d527218234330de47436095','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','features/text/3003a690c545','labeled','e313ae1fc8e7b2c2',19,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde", "input_sha256": "01cc92b1b13acf7dd3d64dab6563645b5e3c414c025c8e94bc497653ca6473e7", "made_from": {"spec": "fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2"}, "outcomes": {"no_text": 1, "ok": 19}}','4dce3bc00b536f7fbd2b27e73882ee075267db3644001063f3fe30453b928e8c','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','features/frames/3886327ddaf4','2026-11-20','9469998b6a26a4e7',3,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "input_sha256": "52665d5c5c370a48e9b26d827828505ea4f7c7b86a12abbe053782e91a8bea86", "made_from": {"spec": "80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a"}, "outcomes": {"ok": 3}, "previews": true}','ccaaec533a3ba7c9f117b5fe3734e3f99828f66cdac5ecd144c7c25ff455e852','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','features/text/3003a690c545','2026-11-20','65cd7dc2f6b8d7b5',3,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde", "input_sha256": "6224527e9e51b0d0d83567b32c6bc4b32e71e61fb6458a062b882e2ff9d1a365", "made_from": {"spec": "fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2"}, "outcomes": {"ok": 3}}','1c6697cacd2fff91e71d7497df90fae818eeb4b587639dbcd90ce5a135b6d978','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','snapshots','','8a961e8b906a9a49',1,'{"fingerprints": {"frames": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "text": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}, "made_from": {"labeled/frames": "ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126", "labeled/labels": "fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b", "labeled/text": "b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988", "labeled/videos": "a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d"}}','31f4e0c0f594547a5e58c0946a029550c8aa24342b5b01e16d284b742e4f5fbc','2026-11-20T08:02:00.000000+00:00');
INSERT INTO "commits" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','models','','87ad9dfb8fa0c984',0,'{"beats_majority": false, "fingerprints": {"frames": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "text": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}, "kind": "classifier", "made_from": {"snapshot": "f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3"}, "recipe": "golden", "taxonomy": "golden", "views": ["frames", "text"]}','e0aa5c3160f9ccda45c3522830acbd2e1fe06d9871463f2833570eb373950e68','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','tables/predictions/model=42c597bd1d74a145','2026-11-20','c1f0899c75013279',3,'{"made_from": {"frames": "8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6", "model": "42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d", "text": "96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64", "videos": "3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60"}}','e0aa5c3160f9ccda45c3522830acbd2e1fe06d9871463f2833570eb373950e68','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997','tables/labels','labeled','01f9c0e718599c82',20,'{"taxonomy": "golden"}','bfec32615dd7f073c27583134901fe1f75f0a23f8dcc4cbc1e19ac375ff6e94b','2026-11-20T08:04:00.000000+00:00');
CREATE TABLE files (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE
);
INSERT INTO "files" VALUES('86c0b4a489d0619ce6f17abefbb3d1560ac450fc6cb0e72aba3140bdc95bd2d6','media.parquet',3055,'6f476bd96d343c19058be35a1725a16885b6603ae8be24fbd1f0252f86620359');
INSERT INTO "files" VALUES('a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d','videos.parquet',7702,'f1ba09033be2ed4423816924395ec7f808d3873bbe3e80f3ed2af2caff71008b');
INSERT INTO "files" VALUES('fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b','labels.parquet',1443,'16fa8e04c00d2df0378f9a2341ddd362cb4301bf80c8283182d7707b41a7589b');
INSERT INTO "files" VALUES('fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
INSERT INTO "files" VALUES('269bca726f0175462ecc47c4ad37f6b8778a1343d5b62653dbdad9a867c25567','split.json',29,'2bcba4532a407647980efc1ae5f0ca03d51f5e6344fc57048c47f0db543db46e');
INSERT INTO "files" VALUES('64cffc1ba304c67dc860fc0b36f81a986cea55f8788c4ba62a9f97e89b43a242','media.parquet',2317,'7adc0c2786f9314d049a2c1f8a59200381c7a4bdaa0769aaf1868376ced8c5ca');
INSERT INTO "files" VALUES('3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60','videos.parquet',6223,'cd7c996795f00fe578dd09df45e333fe17c67ffb8ac501739f34de2283adb2df');
INSERT INTO "files" VALUES('80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a','spec.json',383,'3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0');
INSERT INTO "files" VALUES('80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a','weights.safetensors',88,'b531acb8b58bb31d985e78d0e0520b887eee4d33c8888b7d21d83731a03b0b1d');
INSERT INTO "files" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','idf.safetensors',96,'3ae00f70edfa2ea2e82f3a8fc90865c8b086f2d7c6fd29500e60414613b537c0');
INSERT INTO "files" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','spec.json',460,'3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde');
INSERT INTO "files" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','terms.json',112,'812d5835fa03e8267042a302b2c66a5756835e240fbf212cadd9b71b198d783f');
INSERT INTO "files" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','vocab.txt',83,'66fcd11ad0d88d9b010785f72be92b7c1fd44fb1bf879719355cba807c4f2c72');
INSERT INTO "files" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','ledger.parquet',3812,'f0961c003489d108ecf14b4eff0983e7846fe1c17fce07d9677ad997a75ac92a');
INSERT INTO "files" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','preview-00000.h5',6752,'3af063d6f9ac371bcb55cbb29838b8fc68a49830f367641246981e05f537d33f');
INSERT INTO "files" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','shard-00000.h5',10544,'7b1720123e828d56dfbc6cbfebad2461ea8ec4433cc7a2d248545798448f588c');
INSERT INTO "files" VALUES('b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','ledger.parquet',3095,'a4ea8affb5f8142edc22ae4a2223f61051282c0e2f6a8242281f10507b72fddd');
INSERT INTO "files" VALUES('b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','shard-00000.parquet',4351,'4018bc210c9df1ae53156702489959d6bda06ccce14d91b1a9f1f2409e1751ad');
INSERT INTO "files" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','ledger.parquet',2830,'665bc183947da2dbdead8afabb0f34b4a8483ab80603e4d67dd7ccb8785c8e26');
INSERT INTO "files" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','preview-00000.h5',6240,'b274765e114fc5b7a7eede7ab6092c218d722317001bbcec8d2a9e3916944524');
INSERT INTO "files" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','shard-00000.h5',10240,'d4fc512571355d8481a30202e8d2e540166e526eefedddfa08427d683775bb11');
INSERT INTO "files" VALUES('96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','ledger.parquet',2830,'9b44fd88f3e6988f0d5aa7221feb59a98b137072ad121816a426fe8a6c9500ff');
INSERT INTO "files" VALUES('96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','shard-00000.parquet',3938,'1c372999f447002eade6fd971ebb2a3110a4cbcb2c596cf3866f1150b422894f');
INSERT INTO "files" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','snapshot.json',593,'f7de0ab5bfe2cb5374749954826d08d94bbd24a1365f00b84a26fd790086c3a9');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','README.md',1363,'41683071a4870b6f3775b80a16774c1e9b53ed85e1752e08554b05ce31a51edc');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','config.json',1124,'716718ed1ab04d853886b29974c86b3a0adf536eac6ccfa991eeb5a04e876ff2');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','frames_spec.json',383,'3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','history.json',734,'59410e03bc872f0ed476b257e3c39433ee3460a7152ed26ecfca6f71937a111d');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','metrics.json',746,'f4962305cae46571b24f74f921945eacbc49939e6bc5d3a561a99c851e8b10c2');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','model.safetensors',11440,'9e9cb60d923393f209dd69ff17af3a832a9cbb77ba59bf92dfe470f39fb97db9');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','text_spec.json',460,'3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde');
INSERT INTO "files" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','vocab.txt',83,'66fcd11ad0d88d9b010785f72be92b7c1fd44fb1bf879719355cba807c4f2c72');
INSERT INTO "files" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','predictions-00000.parquet',6116,'cae4d34514424991d490378b6dda08fe24b62496def940c5ac5af7fd6fe3f207');
INSERT INTO "files" VALUES('8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997','labels.parquet',1443,'c7b472cb94d41b0f510885c4e5e7b4a188d9c3860364a75b54cf0af068a665d3');
INSERT INTO "files" VALUES('8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
CREATE TABLE heads (
	dataset TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	commit_id VARCHAR(64) NOT NULL, 
	attributes JSON NOT NULL, 
	moved_at TEXT NOT NULL, 
	PRIMARY KEY (dataset, partition), 
	FOREIGN KEY(commit_id) REFERENCES commits (id)
);
INSERT INTO "heads" VALUES('tables/media','labeled','86c0b4a489d0619ce6f17abefbb3d1560ac450fc6cb0e72aba3140bdc95bd2d6','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','labeled','a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d','{"media_root": "/media"}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/split','','269bca726f0175462ecc47c4ad37f6b8778a1343d5b62653dbdad9a867c25567','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/media','2026-11-20','64cffc1ba304c67dc860fc0b36f81a986cea55f8788c4ba62a9f97e89b43a242','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','2026-11-20','3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60','{"media_root": "/media"}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3886327ddaf4/spec','','80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3003a690c545/spec','','fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3886327ddaf4','labeled','ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','{"attempts": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3003a690c545','labeled','b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','{"attempts": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3886327ddaf4','2026-11-20','8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','{"attempts": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3003a690c545','2026-11-20','96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','{"attempts": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/predictions/model=42c597bd1d74a145','2026-11-20','6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','{}','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/labels','labeled','8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997','{}','2026-11-20T08:04:00.000000+00:00');
CREATE TABLE journal (
	number BIGINT NOT NULL, 
	entry JSON NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "journal" VALUES(1,'{"format_version": 1, "number": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/media", "partition": "labeled", "commit_id": "86c0b4a489d0619ce6f17abefbb3d1560ac450fc6cb0e72aba3140bdc95bd2d6", "previous": null, "attributes": {}}','57ab0304de8cee02ae18e1de7e2300fb28549ee50e63b264f52126dfb01a0bb3');
INSERT INTO "journal" VALUES(2,'{"format_version": 1, "number": 2, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/videos", "partition": "labeled", "commit_id": "a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d", "previous": null, "attributes": {"media_root": "/media"}}','f151f11be56191e9aae938f6868c513b88fcd018eaec1f43fe90ce17d3fddfe7');
INSERT INTO "journal" VALUES(3,'{"format_version": 1, "number": 3, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/labels", "partition": "labeled", "commit_id": "fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b", "previous": null, "attributes": {}}','cadf94d6dbc28e1cde7b97cfa3f6c3aa64b20ab81cfd15cb4814d57975a797b7');
INSERT INTO "journal" VALUES(4,'{"format_version": 1, "number": 4, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/split", "partition": null, "commit_id": "269bca726f0175462ecc47c4ad37f6b8778a1343d5b62653dbdad9a867c25567", "previous": null, "attributes": {}}','d9fa2bbd98ade3ede5358eaa5cf8c608011669cab91de03b36fd64fe4816684a');
INSERT INTO "journal" VALUES(5,'{"format_version": 1, "number": 5, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/media", "partition": "2026-11-20", "commit_id": "64cffc1ba304c67dc860fc0b36f81a986cea55f8788c4ba62a9f97e89b43a242", "previous": null, "attributes": {}}','69229ff57bd0176331900b68a80b83c323f45145cfe7a8f23b6d81a2ab88c855');
INSERT INTO "journal" VALUES(6,'{"format_version": 1, "number": 6, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "tables/videos", "partition": "2026-11-20", "commit_id": "3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60", "previous": null, "attributes": {"media_root": "/media"}}','aac58a5f81e6f1c3d1f42b9dd41734484248946e6a6a61b762d4326d5934d582');
INSERT INTO "journal" VALUES(7,'{"format_version": 1, "number": 7, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "features/frames/3886327ddaf4/spec", "partition": null, "commit_id": "80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a", "previous": null, "attributes": {}}','be6a8f784d4818433cf3bab3d2cd1d5ced161fbfebaffa3ead3c0f40abff6444');
INSERT INTO "journal" VALUES(8,'{"format_version": 1, "number": 8, "kind": "alias", "moved_at": "2026-11-20T08:00:00.000000+00:00", "name": "wanted/frames", "target": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "previous": null}','8e728ed6d5cb86710cb7f29272cef8f19c8af13d02ba0cb5bcf679697e8688d6');
INSERT INTO "journal" VALUES(9,'{"format_version": 1, "number": 9, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "dataset": "features/text/3003a690c545/spec", "partition": null, "commit_id": "fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2", "previous": null, "attributes": {}}','dd7ade3607e09b588b45687bdd85951503902fc384103b07f523e9b9310db356');
INSERT INTO "journal" VALUES(10,'{"format_version": 1, "number": 10, "kind": "alias", "moved_at": "2026-11-20T08:00:00.000000+00:00", "name": "wanted/text", "target": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde", "previous": null}','4dba76f66d633cc663be0474718d8af03ca29a3968ce739a77a6acf78e2d2a4e');
INSERT INTO "journal" VALUES(11,'{"format_version": 1, "number": 11, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/frames/3886327ddaf4", "partition": "labeled", "commit_id": "ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126", "previous": null, "attributes": {"attempts": {}}}','a91f786bdb0a70d2081e64a3fed5c9eef830b4620dcbee210deeabca945343af');
INSERT INTO "journal" VALUES(12,'{"format_version": 1, "number": 12, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/text/3003a690c545", "partition": "labeled", "commit_id": "b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988", "previous": null, "attributes": {"attempts": {}}}','93b66906f205ef339e0758839abef6e775cd81e002b16394f344d175b71dcb8b');
INSERT INTO "journal" VALUES(13,'{"format_version": 1, "number": 13, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/frames/3886327ddaf4", "partition": "2026-11-20", "commit_id": "8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6", "previous": null, "attributes": {"attempts": {}}}','ab00a519403588bf3c765daf412c6e2b819db994843375b3909c1e3d314dacc2');
INSERT INTO "journal" VALUES(14,'{"format_version": 1, "number": 14, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/text/3003a690c545", "partition": "2026-11-20", "commit_id": "96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64", "previous": null, "attributes": {"attempts": {}}}','a218a0ccdd696e687826cfca24bc00581535d34f3d50d5e96a3dac8416e5e96f');
INSERT INTO "journal" VALUES(15,'{"format_version": 1, "number": 15, "kind": "commit", "moved_at": "2026-11-20T08:02:00.000000+00:00", "dataset": "snapshots", "partition": null, "commit_id": "f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3"}','82d1ee6ca6052450bb8d80deb0f91359c49959c433d3ccbde6127b4168bc8db4');
INSERT INTO "journal" VALUES(16,'{"format_version": 1, "number": 16, "kind": "commit", "moved_at": "2026-11-20T08:03:00.000000+00:00", "dataset": "models", "partition": null, "commit_id": "42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d"}','0809590e48f4e768a705ee989940c03ec1f79106426085aa71239ff6df648481');
INSERT INTO "journal" VALUES(17,'{"format_version": 1, "number": 17, "kind": "alias", "moved_at": "2026-11-20T08:03:00.000000+00:00", "name": "champion", "target": "42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d", "previous": null}','604d0bcca48ad05c8412bb521a988e97a94490feb845c9adbc2357e424fe97c3');
INSERT INTO "journal" VALUES(18,'{"format_version": 1, "number": 18, "kind": "head", "moved_at": "2026-11-20T08:03:00.000000+00:00", "dataset": "tables/predictions/model=42c597bd1d74a145", "partition": "2026-11-20", "commit_id": "6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78", "previous": null, "attributes": {}}','ead0632cd431e2afa319e5af4f29a412956936b755825cb51701a05378de7f91');
INSERT INTO "journal" VALUES(19,'{"format_version": 1, "number": 19, "kind": "head", "moved_at": "2026-11-20T08:04:00.000000+00:00", "dataset": "tables/labels", "partition": "labeled", "commit_id": "8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997", "previous": "fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b", "attributes": {}}','6e80c4303f1a739349e1ab91dbba90e4e2a7d0bfaf9d53e5edc602e2ba6a93a5');
CREATE TABLE lineage (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	input_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE, 
	FOREIGN KEY(input_id) REFERENCES commits (id)
);
INSERT INTO "lineage" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','spec','80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a');
INSERT INTO "lineage" VALUES('ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126','videos','a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d');
INSERT INTO "lineage" VALUES('b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','spec','fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2');
INSERT INTO "lineage" VALUES('b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988','videos','a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d');
INSERT INTO "lineage" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','spec','80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a');
INSERT INTO "lineage" VALUES('8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6','videos','3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60');
INSERT INTO "lineage" VALUES('96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','spec','fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2');
INSERT INTO "lineage" VALUES('96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64','videos','3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60');
INSERT INTO "lineage" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','labeled/frames','ce517186a6eb1d1bd8b2799cc53c2f3f3c82ad1903119a08eea0484b18a51126');
INSERT INTO "lineage" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','labeled/labels','fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b');
INSERT INTO "lineage" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','labeled/text','b49fd1cd2c008be1cb6b5bede41f4454586af07b638ae14668c0756405978988');
INSERT INTO "lineage" VALUES('f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3','labeled/videos','a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d');
INSERT INTO "lineage" VALUES('42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d','snapshot','f6c5358d8f046fdb6d28e18657b426514c96146028a3e20ba989d1c3cc5448e3');
INSERT INTO "lineage" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','frames','8fce16af8277c6b5a9d986e2ea08bd1e24e0dec24cfc64a8b5cf2ca580b93cd6');
INSERT INTO "lineage" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','model','42c597bd1d74a1452c55a60dc20318c6864d212392feed53cb624b153555249d');
INSERT INTO "lineage" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','text','96367425a34d6e25b53e5434f3a5b57de02c850835940e61162c880b789dde64');
INSERT INTO "lineage" VALUES('6d0d2eb2871facd433f13bfac5dfc5d84fd33e3ec299ba1a64e59ea3ed12ab78','videos','3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60');
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
