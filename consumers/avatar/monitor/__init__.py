"""What a receiver would see: packets of VMC and iFacialMocap received, checked, shown, recorded and played again."""
