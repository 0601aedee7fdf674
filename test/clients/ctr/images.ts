import type { Scenarios } from './scenario.js';

/** Images come and go. */
export const IMAGES: Scenarios = {
  'images pull': {
    good: [
      { args: 'images pull --plain-http {busybox}', same: 'code' },
      { args: 'images pull --plain-http --label a=b {docker}', same: 'code' },
      { args: 'images pull --plain-http --all-platforms {multi}', same: 'code' },
      { args: 'images pull --plain-http --platform linux/riscv64 --print-chainid {riscv}', same: 'code' },
      { args: 'images pull --plain-http {busybox}', same: 'code' },
    ],
    missing: [
      { args: 'images pull --plain-http {registry}/nothing:1', same: 'code' },
      { args: 'images pull --plain-http --platform linux/s390x {multi}', same: 'code' },
      { args: 'images pull --plain-http --snapshotter nothing {busybox}', same: 'code' },
    ],
    wrong: ['images pull', 'images pull --nonsense {busybox}', 'images pull UPPER', 'images pull --plain-http noslash'],
  },
  'images list': {
    good: [
      'images ls',
      'images list --quiet',
      'i ls name=={busybox}',
      { args: ['images', 'ls', 'labels.a==b'] },
      { args: ['image', 'ls', 'name~=busybox,target.mediatype~=docker'] },
      { args: ['images', 'ls', 'name=={busybox}', 'name=={docker}'] },
      { args: ['images', 'ls', 'target.digest=={manifest}'] },
    ],
    missing: ['images ls name==nothing', '-n nowhere images ls', 'images ls nothing==1'],
    wrong: [
      'images ls name=',
      { args: ['images', 'ls', 'name~=('] },
      { args: ['images', 'ls', ' ='] },
      'images ls --nonsense',
    ],
  },
  'images check': {
    good: [
      { args: 'images check', unordered: true },
      { args: 'images check -q', unordered: true },
    ],
    missing: ['images check name==nothing'],
    wrong: ['images check name=', 'images check --nonsense'],
  },
  'images tag': {
    good: [
      'images tag {busybox} example.com/tagged:1',
      'images tag {busybox} example.com/tagged:2 example.com/tagged:3',
      'images tag --force {docker} example.com/tagged:3',
    ],
    missing: [
      'images tag example.com/nothing:1 example.com/x:1',
      'images tag --force example.com/nothing:1 example.com/x:1',
    ],
    wrong: ['images tag', 'images tag {busybox}', 'images tag {busybox} example.com/tagged:1'],
  },
  'images label': {
    good: [
      'images label example.com/tagged:1 one=1 two=2',
      'images label example.com/tagged:1 one=',
      'images label --replace-all example.com/tagged:1 three=3',
    ],
    missing: ['images label example.com/nothing:1 a=b'],
    wrong: [
      'images label',
      'images label example.com/tagged:1 novalue',
      { args: ['images', 'label', 'example.com/tagged:1', `${'k'.repeat(4000)}=${'v'.repeat(1000)}`] },
    ],
  },
  'images export': {
    good: [
      'images export {dir}/one.tar {busybox}',
      'images export --skip-manifest-json {dir}/bare.tar {busybox}',
      'images export --all-platforms {dir}/multi.tar {multi}',
      'images export --platform linux/{arch} {dir}/single.tar {multi}',
      'images export {dir}/two.tar {busybox} {docker}',
    ],
    missing: ['images export {dir}/x.tar example.com/nothing:1', 'images export {dir}/no/such/dir.tar {busybox}'],
    wrong: ['images export', 'images export {dir}/x.tar', 'images export --platform a/b/c/d {dir}/x.tar {busybox}'],
  },
  'images import': {
    good: [
      'images rm {busybox}',
      'images import {dir}/one.tar',
      'images import --no-unpack --all-platforms {dir}/multi.tar',
      'images import --base-name example.com/imported --digests {dir}/bare.tar',
      'images import --index-name example.com/index:1 {dir}/two.tar',
      { args: 'images import --no-unpack {dir}/saved.tar' },
      { args: 'images import --compress-blobs --no-unpack {dir}/saved.tar' },
    ],
    missing: ['images import {dir}/nothing.tar', 'images import --platform linux/s390x {dir}/one.tar'],
    wrong: ['images import', { args: 'images import {dir}/text', prepare: 'echo text > text' }],
  },
  'images mount': {
    good: [
      { args: 'images mount {busybox} {dir}/mnt', prepare: 'mkdir mnt mnt-rw' },
      'images mount --rw {busybox} {dir}/mnt-rw',
    ],
    missing: [
      'images mount example.com/nothing:1 {dir}/mnt',
      'images mount --platform linux/s390x {busybox} {dir}/mnt',
    ],
    wrong: ['images mount', 'images mount {busybox}', 'images mount {busybox} {dir}/mnt'],
  },
  'images unmount': {
    good: ['images unmount {dir}/mnt', 'images unmount --rm {dir}/mnt-rw', 'snapshots rm {dir}/mnt'],
    missing: ['images unmount {dir}/nothing', 'images unmount --rm {dir}/nothing'],
    wrong: ['images unmount', 'images unmount --nonsense'],
  },
  'images push': {
    good: [
      { args: 'images push --plain-http {registry}/pushed-{side}:1 {busybox}', same: 'code' },
      { args: 'images push --plain-http --platform linux/{arch} {registry}/pushed-{side}:2 {multi}', same: 'code' },
      { args: 'images push --plain-http --manifest {manifest} {registry}/pushed-{side}:3', same: 'code' },
    ],
    missing: [{ args: 'images push --plain-http {registry}/nothing:1', same: 'code' }],
    wrong: ['images push', { args: 'images push --manifest notadigest {registry}/x:1', same: 'code' }],
  },
  'images convert': {
    good: [
      { args: 'images convert --oci {docker} example.com/converted:1', same: 'code' },
      { args: 'images convert --uncompress {busybox} example.com/converted:2', same: 'code' },
    ],
    missing: ['images convert --oci example.com/nothing:1 example.com/x:1'],
    wrong: [
      'images convert',
      'images convert {busybox}',
      'images convert --platform a --all-platforms {busybox} example.com/x:1',
    ],
  },
  'images delete': {
    good: ['images rm example.com/tagged:1', 'images remove --sync example.com/tagged:2 example.com/tagged:3'],
    missing: ['images delete example.com/nothing:1', 'images del example.com/nothing:1 example.com/nothing:2'],
    wrong: ['images rm', 'images rm --nonsense', { args: ['images', 'rm', ''] }],
  },
};
