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
INSERT INTO "aliases" VALUES('champion','c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','2026-11-20T08:03:00.000000+00:00');
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
INSERT INTO "commits" VALUES('86c0b4a489d0619ce6f17abefbb3d1560ac450fc6cb0e72aba3140bdc95bd2d6','tables/media','labeled','5dc362c836b145eb',20,'{}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d','tables/videos','labeled','18c1db69ad46d94c',20,'{"role": "labeled"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b','tables/labels','labeled','45b000290e758ff1',20,'{"taxonomy": "golden"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('269bca726f0175462ecc47c4ad37f6b8778a1343d5b62653dbdad9a867c25567','tables/split','','07677abc78d20e96',1,'{"salt": 1}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('64cffc1ba304c67dc860fc0b36f81a986cea55f8788c4ba62a9f97e89b43a242','tables/media','2026-11-20','1cb8b47f90599879',3,'{}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60','tables/videos','2026-11-20','4aba2e4944e80074',3,'{"role": "score"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('80d9b39565eccf89e295e1da0ea044ccc8d4bbad15572c362beeb667c0de9c7a','features/frames/3886327ddaf4/spec','','61352ebc2538b6e8',0,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('fdd0c5cc858993889699e40c336020d2ea9d6e1d3c2b048fb3ba5fec2c578ad2','features/text/3003a690c545/spec','','3f4ca0fe02d9d20b',0,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}','c09f60dd6ab35bb846ce4cf281bf1e173e7f7dbd30604b810419abe6bbcc0378','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f','features/frames/3886327ddaf4','labeled','ce5ba2e1a97c8853',19,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "input_sha256": "1122109b8b3ba4fd77554c14d1bd9c3d90bc0c5e1fb55b0e3db8769fdbcd26df", "outcomes": {"not_media": 1, "ok": 19}}','e2cd0edf92e43d20f4dba42b222ae491b882efd21b1e422374a605e669552493','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0','features/text/3003a690c545','labeled','e11f75ecf0fa7f43',19,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde", "input_sha256": "a9de72118b2392cbb13eac8d63a2a1d78534cd97062173dfb9fbdd2db96a73d1", "outcomes": {"no_text": 1, "ok": 19}}','e2cd0edf92e43d20f4dba42b222ae491b882efd21b1e422374a605e669552493','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd','features/frames/3886327ddaf4','2026-11-20','e5315d77648fb170',3,'{"fingerprint": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "input_sha256": "f7e8ef7fe38d71e4176a3cc6677064863bf60e13ce4d0c3c0154dfa76973a90a", "outcomes": {"ok": 3}}','e2cd0edf92e43d20f4dba42b222ae491b882efd21b1e422374a605e669552493','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757','features/text/3003a690c545','2026-11-20','b630fff8352bfefe',3,'{"fingerprint": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde", "input_sha256": "f1a3257448a6576a742f7d5a76a0720fbeeee3c8d4bf97582364f12923caa13e", "outcomes": {"ok": 3}}','e2cd0edf92e43d20f4dba42b222ae491b882efd21b1e422374a605e669552493','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','snapshots','','4d233966fe622265',1,'{"fingerprints": {"frames": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "text": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}, "made_from": {"labeled/frames": "597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f", "labeled/labels": "fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b", "labeled/text": "ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0", "labeled/videos": "a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d"}}','31f4e0c0f594547a5e58c0946a029550c8aa24342b5b01e16d284b742e4f5fbc','2026-11-20T08:02:00.000000+00:00');
INSERT INTO "commits" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','models','','0f3d9173ccab1143',0,'{"beats_majority": false, "fingerprints": {"frames": "3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0", "text": "3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde"}, "kind": "classifier", "made_from": {"snapshot": "7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09"}, "recipe": "golden", "taxonomy": "golden", "views": ["frames", "text"]}','e0aa5c3160f9ccda45c3522830acbd2e1fe06d9871463f2833570eb373950e68','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','tables/predictions/model=c4f6b78a7aa5a9c1','2026-11-20','e429020699286fed',3,'{"made_from": {"frames": "81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd", "model": "c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da", "text": "2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757", "videos": "3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60"}}','e0aa5c3160f9ccda45c3522830acbd2e1fe06d9871463f2833570eb373950e68','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997','tables/labels','labeled','5288ed8f94e97dbe',20,'{"taxonomy": "golden"}','bfec32615dd7f073c27583134901fe1f75f0a23f8dcc4cbc1e19ac375ff6e94b','2026-11-20T08:04:00.000000+00:00');
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
INSERT INTO "files" VALUES('597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f','ledger.parquet',3812,'f0961c003489d108ecf14b4eff0983e7846fe1c17fce07d9677ad997a75ac92a');
INSERT INTO "files" VALUES('597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f','preview-00000.h5',6752,'3af063d6f9ac371bcb55cbb29838b8fc68a49830f367641246981e05f537d33f');
INSERT INTO "files" VALUES('597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f','shard-00000.h5',10544,'7b1720123e828d56dfbc6cbfebad2461ea8ec4433cc7a2d248545798448f588c');
INSERT INTO "files" VALUES('ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0','ledger.parquet',3095,'a4ea8affb5f8142edc22ae4a2223f61051282c0e2f6a8242281f10507b72fddd');
INSERT INTO "files" VALUES('ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0','shard-00000.parquet',4351,'4018bc210c9df1ae53156702489959d6bda06ccce14d91b1a9f1f2409e1751ad');
INSERT INTO "files" VALUES('81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd','ledger.parquet',2830,'665bc183947da2dbdead8afabb0f34b4a8483ab80603e4d67dd7ccb8785c8e26');
INSERT INTO "files" VALUES('81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd','preview-00000.h5',6240,'b274765e114fc5b7a7eede7ab6092c218d722317001bbcec8d2a9e3916944524');
INSERT INTO "files" VALUES('81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd','shard-00000.h5',10240,'d4fc512571355d8481a30202e8d2e540166e526eefedddfa08427d683775bb11');
INSERT INTO "files" VALUES('2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757','ledger.parquet',2830,'9b44fd88f3e6988f0d5aa7221feb59a98b137072ad121816a426fe8a6c9500ff');
INSERT INTO "files" VALUES('2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757','shard-00000.parquet',3938,'1c372999f447002eade6fd971ebb2a3110a4cbcb2c596cf3866f1150b422894f');
INSERT INTO "files" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','snapshot.json',593,'ed738419cb10d5fb31a6c892317065417addd8e90708f903abf7fc1257e7c4cc');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','README.md',1363,'4143e2a57f0460565906423f756aa41833db947d0c36b722237c2fbf1d5c8e97');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','config.json',1124,'7732f310c1882341f11215d609f0ceb444161076b148ae7111c9dd5937427614');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','frames_spec.json',383,'3886327ddaf4abe552fef6fd2b9dcba95168c138ea55a159a29a090393a0def0');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','history.json',734,'59410e03bc872f0ed476b257e3c39433ee3460a7152ed26ecfca6f71937a111d');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','metrics.json',746,'f4962305cae46571b24f74f921945eacbc49939e6bc5d3a561a99c851e8b10c2');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','model.safetensors',11440,'9e9cb60d923393f209dd69ff17af3a832a9cbb77ba59bf92dfe470f39fb97db9');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','text_spec.json',460,'3003a690c545473e7813503814e793908c7767960b24017488ca622fbd14adde');
INSERT INTO "files" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','vocab.txt',83,'66fcd11ad0d88d9b010785f72be92b7c1fd44fb1bf879719355cba807c4f2c72');
INSERT INTO "files" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','predictions-00000.parquet',6111,'06a69ec8d117652e63a33faefadcd90f5b0bf86fb99b45ab60f9d0fdb42787fb');
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
INSERT INTO "heads" VALUES('features/frames/3886327ddaf4','labeled','597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f','{}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3003a690c545','labeled','ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0','{}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/3886327ddaf4','2026-11-20','81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd','{}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3003a690c545','2026-11-20','2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757','{}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/predictions/model=c4f6b78a7aa5a9c1','2026-11-20','873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','{}','2026-11-20T08:03:00.000000+00:00');
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
INSERT INTO "journal" VALUES(11,'{"format_version": 1, "number": 11, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/frames/3886327ddaf4", "partition": "labeled", "commit_id": "597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f", "previous": null, "attributes": {}}','fe4fd4aa5fb1c2e1cd99c7180d43385628b42b1604b1c459fea548a00edb667d');
INSERT INTO "journal" VALUES(12,'{"format_version": 1, "number": 12, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/text/3003a690c545", "partition": "labeled", "commit_id": "ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0", "previous": null, "attributes": {}}','adca0cc532dbe550de852f4095144b3a14de61efc9c1b7621c1ef312e8073db9');
INSERT INTO "journal" VALUES(13,'{"format_version": 1, "number": 13, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/frames/3886327ddaf4", "partition": "2026-11-20", "commit_id": "81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd", "previous": null, "attributes": {}}','c9ea31e93ad26569765f9034643ebb383ac7b8c2cd20acb4b079551c9ef5870f');
INSERT INTO "journal" VALUES(14,'{"format_version": 1, "number": 14, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "dataset": "features/text/3003a690c545", "partition": "2026-11-20", "commit_id": "2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757", "previous": null, "attributes": {}}','3b7131a809fe20c6b76e209e801e30ff7dcf42e9d9000926d0427ab9567e28b6');
INSERT INTO "journal" VALUES(15,'{"format_version": 1, "number": 15, "kind": "commit", "moved_at": "2026-11-20T08:02:00.000000+00:00", "dataset": "snapshots", "partition": null, "commit_id": "7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09"}','3ce4987ef453c0952ff6edcd8c6734e025b96da9d46f637ac70c18abe4844b7d');
INSERT INTO "journal" VALUES(16,'{"format_version": 1, "number": 16, "kind": "commit", "moved_at": "2026-11-20T08:03:00.000000+00:00", "dataset": "models", "partition": null, "commit_id": "c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da"}','9a41800a8af8a9f265269c0095ab631c7458c4ca33de915caffafb82d8493062');
INSERT INTO "journal" VALUES(17,'{"format_version": 1, "number": 17, "kind": "alias", "moved_at": "2026-11-20T08:03:00.000000+00:00", "name": "champion", "target": "c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da", "previous": null}','4c922cb4e661a7fd43d75e169a7d832cda025556b29a21ba9f7595d2402bd462');
INSERT INTO "journal" VALUES(18,'{"format_version": 1, "number": 18, "kind": "head", "moved_at": "2026-11-20T08:03:00.000000+00:00", "dataset": "tables/predictions/model=c4f6b78a7aa5a9c1", "partition": "2026-11-20", "commit_id": "873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b", "previous": null, "attributes": {}}','eba340855093a0a7f45aaf02f1b1dc9d4f2c9aae0e90c783adddbe686deeab42');
INSERT INTO "journal" VALUES(19,'{"format_version": 1, "number": 19, "kind": "head", "moved_at": "2026-11-20T08:04:00.000000+00:00", "dataset": "tables/labels", "partition": "labeled", "commit_id": "8c7096f2debc164a785fd61dab51214ce7cb96504974960300b1b6abbae5e997", "previous": "fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b", "attributes": {}}','6e80c4303f1a739349e1ab91dbba90e4e2a7d0bfaf9d53e5edc602e2ba6a93a5');
CREATE TABLE lineage (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	input_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE, 
	FOREIGN KEY(input_id) REFERENCES commits (id)
);
INSERT INTO "lineage" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','labeled/frames','597fb126e9ee0ea633f8006a72c2dd6b8b194db2356c2d1643264a1b48055b0f');
INSERT INTO "lineage" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','labeled/labels','fa9f31e6273eaab6a2a5383357c07f7d1b9dcddfc7e7adb466af4dd3f9d6715b');
INSERT INTO "lineage" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','labeled/text','ace0e71d89f07a4d69d6d77b1ed009a4fb101275871f366ba4372be353c2d2d0');
INSERT INTO "lineage" VALUES('7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09','labeled/videos','a76fb2082cf26952b9bf7b5f1015c404aef8c4b1d83def63267b0c7a80735a6d');
INSERT INTO "lineage" VALUES('c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da','snapshot','7a799c0d0a958cf0655d85226c1982adc1592a4e23c2aa1fa89f5c21ee114b09');
INSERT INTO "lineage" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','frames','81c4498b5205115849844e0c8e043bb4b89985d4754c3405003ed16d83633fdd');
INSERT INTO "lineage" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','model','c4f6b78a7aa5a9c1d10986430a6b7a13268aaff4ad85f866c62aa81add01d0da');
INSERT INTO "lineage" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','text','2ead0bf9e13650338d7f17afc2ed44aeb8cb6332e8b09865f262fa591eca1757');
INSERT INTO "lineage" VALUES('873008aa6f8013d153229538e4485180936d334dedbc207d45bdb276eca1592b','videos','3e89dce086ad3200328761ccc72face0cea64de5181f7fea9ce114654df32b60');
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
