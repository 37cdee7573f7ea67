BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0004');
CREATE TABLE aliases (
	name TEXT NOT NULL, 
	target TEXT NOT NULL, 
	moved_at TEXT NOT NULL, is_provisional BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "aliases" VALUES('wanted/frames','0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946','2026-11-20T08:00:00.000000+00:00',0);
INSERT INTO "aliases" VALUES('wanted/text','3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895','2026-11-20T08:00:00.000000+00:00',0);
INSERT INTO "aliases" VALUES('champion','d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','2026-11-20T08:03:00.000000+00:00',0);
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
INSERT INTO "commits" VALUES('12b66a671a10b7f6cd6c9d04e0506ffe379cfd7e2bcd29c3e0e7cb19378566b9','tables/media','labeled','0000000000000003',20,'{}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895','tables/videos','labeled','0000000000000009',20,'{"role": "labeled"}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1','tables/labels','labeled','000000000000000e',20,'{"taxonomy": "golden"}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('10c1ae1f1fee5a55d0c0cc96f17e95223fa43d6738e6b59e11fb00211718b5a8','tables/split','','0000000000000014',1,'{"salt": 0}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('58553826b692a796300f48c96ddd3c249ade977ee704565d24d332bd639b3e92','tables/media','2026-11-20','000000000000001b',2,'{}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3','tables/videos','2026-11-20','0000000000000021',3,'{"role": "score"}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae','features/frames/016828368891/spec','','0000000000000026',0,'{"fingerprint": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946"}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','features/text/3405b7d570a9/spec','','000000000000002d',0,'{"fingerprint": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895"}','eebd98a6bb7a1b50276e36087b35dbc52135f0f93f0a26ce817000c5ce2478c7','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "commits" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','features/frames/016828368891','labeled','0000000000000036',19,'{"fingerprint": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946", "input_sha256": "e988f0cfb2f0c949934f6ab8d1e715bc552ccb4633e87f056f624ba20a808f6e", "made_from": {"spec": "889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae"}, "outcomes": {"not_media": 1, "ok": 19}, "previews": true}','5cda3b9fbd8b8a838a40038801d9059017e5ca46b87a12d60d5b1263db9f481c','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','features/text/3405b7d570a9','labeled','0000000000000042',19,'{"fingerprint": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895", "input_sha256": "a3c9d2c822d199a5dffa857b31b868b6b1b1a43117b6af90a66d0eab40fe4b63", "made_from": {"spec": "18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066"}, "outcomes": {"no_text": 1, "ok": 19}}','580b3ff2c4e43cb37a689949a650b1b7653754a8f25af6c8d38c78ae011f2a62','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','features/frames/016828368891','2026-11-20','000000000000004d',2,'{"fingerprint": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946", "input_sha256": "182528f16611a0a6bfe5905e7ff18aa1cf1d3c98be045669cf109cdac345a4c4", "made_from": {"spec": "889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae"}, "outcomes": {"no_media": 1, "ok": 2}, "previews": true}','ec7c5d4ee68fdea491865628f6c7bf47f042e0d40ccb52042424c8cf50f8023b','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','features/text/3405b7d570a9','2026-11-20','0000000000000059',3,'{"fingerprint": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895", "input_sha256": "d87a84c93946254093dddeef8c984428b4dcd2f8e142412126b07de67dbd40a5", "made_from": {"spec": "18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066"}, "outcomes": {"ok": 3}}','f76de1cc8c2f58a163d0b601c7cbe625f9351195b326b861c2d1323e92700e51','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "commits" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','snapshots','','0000000000000064',1,'{"fingerprints": {"frames": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946", "text": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895"}, "made_from": {"labeled/frames": "30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098", "labeled/labels": "d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1", "labeled/text": "dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de", "labeled/videos": "9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895"}}','6c2772ac6592bbb5df4a14cc20e7f5a17df6ba4a41b40914686d7bace6801bfc','2026-11-20T08:02:00.000000+00:00');
INSERT INTO "commits" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','models','','0000000000000069',0,'{"beats_majority": true, "fingerprints": {"frames": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946", "text": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895"}, "kind": "classifier", "made_from": {"snapshot": "7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5"}, "recipe": "golden", "taxonomy": "golden", "views": ["frames", "text"]}','3f82010f37a9af2f4720ad547271c957514086664f9857e78daa5a0a0d9e20ff','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','tables/predictions/model=d036e20e1dfdea88','2026-11-20','0000000000000079',3,'{"made_from": {"frames": "fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472", "model": "d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb", "text": "054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97", "videos": "34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3"}}','3f82010f37a9af2f4720ad547271c957514086664f9857e78daa5a0a0d9e20ff','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "commits" VALUES('33ca49a4daf8aabd6d839bc5365cc28b926b34c0dddfa1a0bde55cc00060546f','tables/labels','labeled','000000000000007e',20,'{"taxonomy": "golden"}','c5f2bfaea63bebdc764ce07defc2568ffa9771b93f7b9404cdc1d119ebb41066','2026-11-20T08:04:00.000000+00:00');
CREATE TABLE files (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE
);
INSERT INTO "files" VALUES('12b66a671a10b7f6cd6c9d04e0506ffe379cfd7e2bcd29c3e0e7cb19378566b9','media.parquet',3189,'237102d557c5d22dd6878ee5788ab10950aba9d1a6abf72e84c392c77bfb46d8');
INSERT INTO "files" VALUES('9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895','videos.parquet',11115,'3e64a2f361ee0227575f0acb48de8382a3adf0a65e92d04ba2866af35b9388b5');
INSERT INTO "files" VALUES('d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1','labels.parquet',1956,'76714f9714558dc81b103f14b4c7b5fe601f7cb17355074c863ed73d3b3e56e2');
INSERT INTO "files" VALUES('d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
INSERT INTO "files" VALUES('10c1ae1f1fee5a55d0c0cc96f17e95223fa43d6738e6b59e11fb00211718b5a8','split.json',29,'daabaaf2c9acd7ca0e5abfba66d07336761de06dbc7ab06f10a2ef73fc51c70d');
INSERT INTO "files" VALUES('58553826b692a796300f48c96ddd3c249ade977ee704565d24d332bd639b3e92','media.parquet',2324,'570da6887c1ad75b4fd847dd893eb5c858d1edcf49b3b4edb581cee896887ac0');
INSERT INTO "files" VALUES('34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3','videos.parquet',6890,'ce65b2baf55f5a15e8c0cf87556354e2989ae9ab6c35a7570f280862d2210500');
INSERT INTO "files" VALUES('889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae','spec.json',470,'0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946');
INSERT INTO "files" VALUES('889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae','weights.safetensors',14808,'e9276258c7c1fa6e47036fbe8b34649c936afc6721be3c83f6d1e53567f28402');
INSERT INTO "files" VALUES('18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','idf.safetensors',152,'82e784a26c5fa55bc2e39d9a53e249207ad7f18d723c83c7f55e2617259e359a');
INSERT INTO "files" VALUES('18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','spec.json',460,'3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895');
INSERT INTO "files" VALUES('18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','terms.json',229,'5ab4bd5869c4589c995a4130340f392188b1f3210ac61d08407e40a8be4fb47b');
INSERT INTO "files" VALUES('18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','vocab.txt',1634,'3868a84a276e00573413a2d41688e799ba7bb97e03bf253f71236dca6e15618e');
INSERT INTO "files" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','ledger.parquet',6126,'0fcc3675fdf10141843130fbb052ffbd349c02c8efd40ed9974492b61c68afff');
INSERT INTO "files" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','preview-00000.h5',68192,'07283427ff3d93b806becea1edbf6d4277c51ef0f209d76b41c9a3eb91eef588');
INSERT INTO "files" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','shard-00000.h5',10544,'2127fbb5b60be19995be0d6e599a61b081595e1378da390909dd24fa740bd567');
INSERT INTO "files" VALUES('dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','ledger.parquet',3596,'35ae9bfed7884a4b5b5bfa77b9eada054c7a939fad5e26a44296997eba4cfae1');
INSERT INTO "files" VALUES('dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','shard-00000.parquet',6389,'8c119dec90522c8b5eee42ccac701a987ead68b1b164152f72f59c4c3d14a51f');
INSERT INTO "files" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','ledger.parquet',4540,'2dfe73831a7f738d9e3b4bbb07f3a2e21969c68ff166ce13c93afb33336e86f4');
INSERT INTO "files" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','preview-00000.h5',10304,'43a3435c71b47dfb7144c9ee1334cf1154629ba71cfe55ca707b0bdb7421b4e4');
INSERT INTO "files" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','shard-00000.h5',10240,'8a039f0c1b75188e865ab4d83c2ae1e9910fd307c1626f48d8bec850a91664ff');
INSERT INTO "files" VALUES('054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','ledger.parquet',2829,'96628ad104bb7e75a6768d484a447a426cb1e13be1796994cf0843dac7aab1ed');
INSERT INTO "files" VALUES('054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','shard-00000.parquet',4053,'26734cda8e0ed9275976a045627ec16587c92a8402f873fcfd32ddab1f0b9a3e');
INSERT INTO "files" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','snapshot.json',593,'edb20a869918b36ef7c18019f606aa89c521af169a3673e4baeee8d8b950c402');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','README.md',4673,'f85262d871e6ebc6966ddf94f551b940544b59b84df77295ad8040512337a5d1');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','config.json',2288,'d1e7c85cb80e74a05d261832cfe6eaa0bd1374751149cc6a32a076bf26f8ad61');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','experts.safetensors',37400,'daf17e49ba0d5cddaf742a3badff63813ae9655320f81e0fce475de2b842a9ec');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','frames_spec.json',470,'0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','history.json',775,'b95ce7ba194fd9780c6925b3f3695c665b298ca288ca84ffea9b92ec2547d9a1');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','metrics.json',6468,'129e518a7554fe56937970205e102347e1edd3c0895dea685c0944d54d59f687');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','model.safetensors',25696,'12dbc5978e840e84d438634caa775e2fc9ec43b54f7b8ba923c8099992861ba0');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','statistics.json',7299,'973ea52e451a40678a30cb34d7eb7c9a5bc2e1d7423a441ab4e167e5478df617');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','text_spec.json',460,'3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895');
INSERT INTO "files" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','vocab.txt',1634,'3868a84a276e00573413a2d41688e799ba7bb97e03bf253f71236dca6e15618e');
INSERT INTO "files" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','predictions-00000.parquet',6200,'1ef2ec6819eb5114f1b4bed08c34a938be7054171944cc922f68518e345a9cc8');
INSERT INTO "files" VALUES('33ca49a4daf8aabd6d839bc5365cc28b926b34c0dddfa1a0bde55cc00060546f','labels.parquet',2081,'7a5cc75a8b8edaeffa6e95aa9e81daee23f08fb6c537c6c7aa81eef122d1715f');
INSERT INTO "files" VALUES('33ca49a4daf8aabd6d839bc5365cc28b926b34c0dddfa1a0bde55cc00060546f','taxonomy.csv',59,'9bb4e0c89b8e88ef9e0e542510c1d55ed2987c69d4799b14a881c69541d4a68d');
CREATE TABLE forgets (
	number BIGINT NOT NULL, 
	is_swept BOOLEAN NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE heads (
	dataset TEXT NOT NULL, 
	partition TEXT NOT NULL, 
	commit_id VARCHAR(64) NOT NULL, 
	attributes JSON NOT NULL, 
	moved_at TEXT NOT NULL, 
	PRIMARY KEY (dataset, partition), 
	FOREIGN KEY(commit_id) REFERENCES commits (id)
);
INSERT INTO "heads" VALUES('tables/media','labeled','12b66a671a10b7f6cd6c9d04e0506ffe379cfd7e2bcd29c3e0e7cb19378566b9','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','labeled','9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895','{"media_root": "corpus"}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/split','','10c1ae1f1fee5a55d0c0cc96f17e95223fa43d6738e6b59e11fb00211718b5a8','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/media','2026-11-20','58553826b692a796300f48c96ddd3c249ade977ee704565d24d332bd639b3e92','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/videos','2026-11-20','34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3','{"media_root": "corpus"}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/016828368891/spec','','889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3405b7d570a9/spec','','18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066','{}','2026-11-20T08:00:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/016828368891','labeled','30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','{"failures": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3405b7d570a9','labeled','dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','{"failures": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/frames/016828368891','2026-11-20','fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','{"failures": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('features/text/3405b7d570a9','2026-11-20','054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','{"failures": {}}','2026-11-20T08:01:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/predictions/model=d036e20e1dfdea88','2026-11-20','cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','{}','2026-11-20T08:03:00.000000+00:00');
INSERT INTO "heads" VALUES('tables/labels','labeled','33ca49a4daf8aabd6d839bc5365cc28b926b34c0dddfa1a0bde55cc00060546f','{}','2026-11-20T08:04:00.000000+00:00');
CREATE TABLE journal (
	number BIGINT NOT NULL, 
	entry JSON NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "journal" VALUES(1,'{"attributes": {}, "commit_id": "12b66a671a10b7f6cd6c9d04e0506ffe379cfd7e2bcd29c3e0e7cb19378566b9", "dataset": "tables/media", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 1, "partition": "labeled", "previous": null}','6d98addbd4f18ee8e5f24637038f45fd619507593c9e3f5b836a67aeb07aeb40');
INSERT INTO "journal" VALUES(2,'{"attributes": {"media_root": "corpus"}, "commit_id": "9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895", "dataset": "tables/videos", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 2, "partition": "labeled", "previous": null}','a5634e7603bcd787bd82a06b91941cf240891d35b48e4c66c4a5acd3b26f3839');
INSERT INTO "journal" VALUES(3,'{"attributes": {}, "commit_id": "d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1", "dataset": "tables/labels", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 3, "partition": "labeled", "previous": null}','7e83401412d6ec9f6cbf176f6db65407f33e8f8aa702f154724e1c15678440bc');
INSERT INTO "journal" VALUES(4,'{"attributes": {}, "commit_id": "10c1ae1f1fee5a55d0c0cc96f17e95223fa43d6738e6b59e11fb00211718b5a8", "dataset": "tables/split", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 4, "partition": null, "previous": null}','4c6182e821a9a319dcd80bd01327d381e016dfb95a9d8451391f6888d7650f32');
INSERT INTO "journal" VALUES(5,'{"attributes": {}, "commit_id": "58553826b692a796300f48c96ddd3c249ade977ee704565d24d332bd639b3e92", "dataset": "tables/media", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 5, "partition": "2026-11-20", "previous": null}','73455fa8c23ebc2afb42540bd60201731c48548e5ffcd9cea28e773fa85d1781');
INSERT INTO "journal" VALUES(6,'{"attributes": {"media_root": "corpus"}, "commit_id": "34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3", "dataset": "tables/videos", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 6, "partition": "2026-11-20", "previous": null}','47c6d42d9cb4d762b69509709f2c5c1d74ecb35f917358e84909f8b9ffdafdf9');
INSERT INTO "journal" VALUES(7,'{"attributes": {}, "commit_id": "889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae", "dataset": "features/frames/016828368891/spec", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 7, "partition": null, "previous": null}','75411668b833f26e76dc4ca328eea87c0b4fa7b6175f515f947e0f1ff82e772e');
INSERT INTO "journal" VALUES(8,'{"format_version": 1, "kind": "alias", "moved_at": "2026-11-20T08:00:00.000000+00:00", "name": "wanted/frames", "number": 8, "previous": null, "target": "0168283688913cf642739cb80ccce74d5e74fbd78b3a3e58d01bc638096cf946"}','6ba0f67d6afe0fe5cee44ec37c374905596ab02861a38c37cc8be2f74491a5ff');
INSERT INTO "journal" VALUES(9,'{"attributes": {}, "commit_id": "18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066", "dataset": "features/text/3405b7d570a9/spec", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:00:00.000000+00:00", "number": 9, "partition": null, "previous": null}','1ac83475364df2a7eeded1eb1107cca2aa39540df8248a1646bd0ee81587dd45');
INSERT INTO "journal" VALUES(10,'{"format_version": 1, "kind": "alias", "moved_at": "2026-11-20T08:00:00.000000+00:00", "name": "wanted/text", "number": 10, "previous": null, "target": "3405b7d570a9c40dbd13015274659fff0c601739dc00775df6775ff56e9ee895"}','5e680362b38b763a1fb57988d14eb0118e338a0f99c956b1fa313e001f0e6928');
INSERT INTO "journal" VALUES(11,'{"attributes": {"failures": {}}, "commit_id": "30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098", "dataset": "features/frames/016828368891", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "number": 11, "partition": "labeled", "previous": null}','d8418719df6b67656c1c3c6cd040d6bb7d86799018454a50cf61bc140b09781d');
INSERT INTO "journal" VALUES(12,'{"attributes": {"failures": {}}, "commit_id": "dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de", "dataset": "features/text/3405b7d570a9", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "number": 12, "partition": "labeled", "previous": null}','190c95de3b2c99a5568d5630c3730231cb7e743d03944bc573ba66c625e743fd');
INSERT INTO "journal" VALUES(13,'{"attributes": {"failures": {}}, "commit_id": "fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472", "dataset": "features/frames/016828368891", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "number": 13, "partition": "2026-11-20", "previous": null}','2df9d528b2be3658d511c114a4aa84ec106710dd6c9defa2b78067c119668f15');
INSERT INTO "journal" VALUES(14,'{"attributes": {"failures": {}}, "commit_id": "054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97", "dataset": "features/text/3405b7d570a9", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:01:00.000000+00:00", "number": 14, "partition": "2026-11-20", "previous": null}','bd0bf35e35e87b28613466eb0af89a3b7d63e4ebe9290503ac7afe7198f3406d');
INSERT INTO "journal" VALUES(15,'{"commit_id": "7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5", "dataset": "snapshots", "format_version": 1, "kind": "commit", "moved_at": "2026-11-20T08:02:00.000000+00:00", "number": 15, "partition": null}','35e20ebc30d2374434aedea788d2c3546d07b5ffee9be35c2b1fe3a9b72b38e9');
INSERT INTO "journal" VALUES(16,'{"commit_id": "d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb", "dataset": "models", "format_version": 1, "kind": "commit", "moved_at": "2026-11-20T08:03:00.000000+00:00", "number": 16, "partition": null}','1af904217aa8014b25160d9d44c62950152fad341680c4a2c2a34313f20e6b74');
INSERT INTO "journal" VALUES(17,'{"format_version": 1, "kind": "alias", "moved_at": "2026-11-20T08:03:00.000000+00:00", "name": "champion", "number": 17, "previous": null, "target": "d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb"}','65212e987367de5ca34fadc3e476034b7e536d949554374c24cf8a5fcd0ba14d');
INSERT INTO "journal" VALUES(18,'{"attributes": {}, "commit_id": "cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b", "dataset": "tables/predictions/model=d036e20e1dfdea88", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:03:00.000000+00:00", "number": 18, "partition": "2026-11-20", "previous": null}','c2b6c4b5ef6ef9a45e72a5b90d5ef935337ba104c28ba086bd5ffe42627ae50a');
INSERT INTO "journal" VALUES(19,'{"attributes": {}, "commit_id": "33ca49a4daf8aabd6d839bc5365cc28b926b34c0dddfa1a0bde55cc00060546f", "dataset": "tables/labels", "format_version": 1, "kind": "head", "moved_at": "2026-11-20T08:04:00.000000+00:00", "number": 19, "partition": "labeled", "previous": "d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1"}','d02f502c0acbb014824b65a28b7880a75d78d43343ae2ea49d20d902fc025d7f');
CREATE TABLE lineage (
	commit_id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	input_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id, name), 
	FOREIGN KEY(commit_id) REFERENCES commits (id) ON DELETE CASCADE, 
	FOREIGN KEY(input_id) REFERENCES commits (id)
);
INSERT INTO "lineage" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','spec','889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae');
INSERT INTO "lineage" VALUES('30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098','videos','9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895');
INSERT INTO "lineage" VALUES('dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','spec','18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066');
INSERT INTO "lineage" VALUES('dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de','videos','9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895');
INSERT INTO "lineage" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','spec','889c6fb4cdb1344fced8ff8265b0c9de2b2705376b0760557c56b0dfdcda56ae');
INSERT INTO "lineage" VALUES('fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472','videos','34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3');
INSERT INTO "lineage" VALUES('054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','spec','18f48e7ba88cbb7b7fb02b8d8d26d3dd009f1caeb5428f7bc0129b6069c17066');
INSERT INTO "lineage" VALUES('054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97','videos','34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3');
INSERT INTO "lineage" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','labeled/frames','30cbe8589b06e8d49a36635f9bbce2f5ee215adb7ca9b837925cd58954231098');
INSERT INTO "lineage" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','labeled/labels','d1439d2ec464152f69dd76f000593aff719e56dd9e4a23936a9a891825f1aab1');
INSERT INTO "lineage" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','labeled/text','dd356e970ff7249a696cd3ed9791303fb3af2b24a5112d199d59fa376ae9f5de');
INSERT INTO "lineage" VALUES('7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5','labeled/videos','9e068f620af786c2c848e469e6a6477e8d2526c9441746f77313e952d4884895');
INSERT INTO "lineage" VALUES('d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb','snapshot','7584460a4148781862f7342800bd323a21909fa1f527fc0eff9d07be2d2678c5');
INSERT INTO "lineage" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','frames','fe7d0dd2bf4f81b92a7f23b66c1f04ab00a8114dd28ee9ffa8c6bd80e5733472');
INSERT INTO "lineage" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','model','d036e20e1dfdea882d93c149baa506f1c887b09785ebadca08956476e897b7cb');
INSERT INTO "lineage" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','text','054a3a27a99caa24157429985827610d6401d0bf026f8e61446cbf36efe8ce97');
INSERT INTO "lineage" VALUES('cca6ade5b42d5237fa50a0fae1f66f226380b998694a45188127d7a16383420b','videos','34aecf9256cad13ecc07201bbe9dba19ff2d565317380899f6b7559ae790bee3');
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
CREATE TABLE successors (
	commit_id VARCHAR(64) NOT NULL, 
	successor_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (commit_id)
);
CREATE INDEX commits_by_address ON commits (dataset, partition);
CREATE INDEX commits_by_staging ON commits (staging_id);
CREATE INDEX lineage_by_input ON lineage (input_id);
COMMIT;
