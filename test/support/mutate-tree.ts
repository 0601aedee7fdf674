import { output } from './run.js';

/** Python, as Node has no calls for owners of links, attributes, FIFOs, devices and names that are no text. */
const SCRIPT = String.raw`
import os, random, socket, stat, sys
top, rand, steps = os.fsencode(sys.argv[1]), random.Random(int(sys.argv[2])), int(sys.argv[3])
NAMES = [b'a', b'b', b'c', b'd', b'e', b'f', b'\xff\xfe', 'ü'.encode(), b'long-' + b'n' * 120, b'with space', b'.hidden']

def walk():
    folders, others = [top], []
    for folder, inner, files in os.walk(top):
        for name in inner + files:
            full = os.path.join(folder, name)
            (folders if stat.S_ISDIR(os.lstat(full).st_mode) else others).append(full)
    return sorted(folders), sorted(others)

def describe(path):
    st = os.lstat(path)
    os.chown(path, rand.choice([0, 1, 70000, 3000000000]), rand.choice([0, 5, 2500000]), follow_symlinks=False)
    if not stat.S_ISLNK(st.st_mode):
        os.chmod(path, rand.randrange(0o10000))
    if (stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode)) and rand.random() < 0.4:
        os.setxattr(path, rand.choice(['user.one', 'user.two']), rand.randbytes(rand.randrange(20)))
    when = rand.choice([0, 10**9, 1500000000 * 10**9 + 1, rand.randrange(2 * 10**18), -5 * 10**8])
    os.utime(path, ns=(when, when), follow_symlinks=False)

def remove(path):
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
        os.rmdir(path)
    else:
        os.unlink(path)

def make(path):
    kind = rand.randrange(12)
    if kind < 4:
        with open(path, 'wb') as file:
            file.write(rand.randbytes(rand.choice([0, 1, 511, 512, 513, 5000])))
    elif kind < 8: os.mkdir(path)
    elif kind < 9: os.symlink(rand.choice([b'a', b'../b', b'/c/d', b't' * 150]), path)
    elif kind < 10: os.mkfifo(path)
    elif kind < 11: os.mknod(path, 0o600 | rand.choice([stat.S_IFCHR, stat.S_IFBLK]), os.makedev(7, 9))
    else:
        with socket.socket(socket.AF_UNIX) as made:
            os.chdir(os.path.dirname(path))
            name = os.path.basename(path)[:100]
            if not os.path.lexists(name): made.bind(name)
        return
    describe(path)

for _ in range(steps):
    folders, others = walk()
    target = os.path.join(rand.choice(folders), rand.choice(NAMES))
    step = rand.randrange(10)
    there = os.path.lexists(target)
    if step < 5:
        if there and (step < 3 or not stat.S_ISDIR(os.lstat(target).st_mode)): remove(target)
        if not os.path.lexists(target): make(target)
    elif step < 6 and there: remove(target)
    elif step < 7 and others and not there: os.link(rand.choice(others), target, follow_symlinks=False)
    elif step < 8 and others:
        chosen = rand.choice(others)
        if stat.S_ISREG(os.lstat(chosen).st_mode):
            times = os.lstat(chosen)
            with open(chosen, 'r+b') as file: file.write(rand.randbytes(3))
            if rand.random() < 0.5: os.utime(chosen, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif step < 9: describe(rand.choice(folders + others))
    elif others and not there: os.rename(rand.choice(others), target)
`;

/** Makes, changes and removes members of all types below a folder: the same ones for the same tree and seed. */
export async function mutateTree(dir: string, seed: number, steps: number): Promise<void> {
  await output('python3', ['-c', SCRIPT, dir, String(seed), String(steps)]);
}
